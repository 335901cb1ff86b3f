"""Asking an operating system that may not have an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")


def attempt(ask: Callable[[], _Value]) -> _Value | None:
    """What `ask` returns; None when this system, container or user has no such thing.

    AttributeError and NotImplementedError are psutil's ways of saying that a platform lacks a function;
    RuntimeError, ValueError, KeyError and IndexError come from files in /proc that containers cut short.
    """
    import psutil

    try:
        return ask()
    except (
        OSError, psutil.Error, AttributeError, NotImplementedError, RuntimeError, ValueError, KeyError, IndexError,
    ):  # fmt: skip
        return None
