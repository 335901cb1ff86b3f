"""What a desk answers, for screens: a fault of the console is told like a refusal, and nobody waits for ever."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from tuiops.errors import Refused, TuiopsError

if TYPE_CHECKING:
    from collections.abc import Awaitable

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


async def answer(asked: Awaitable[_Answer]) -> _Answer:
    """What was asked for. Raises TuiopsError, and nothing else."""
    try:
        return await asked
    except TuiopsError:
        raise
    except Exception:  # people wait for an answer: they are told, and the log has the rest
        log.exception("a call of the desk failed")
        raise Refused("the console failed at this, see its log; :runs shows what has begun") from None
