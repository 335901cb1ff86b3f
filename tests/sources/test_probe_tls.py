from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.servers.ports import free_port
from tests.sources.certificates import Authority
from tests.sources.doors import knock, saying, serving, silent
from tuiops.config.systems import TlsProbe
from tuiops.config.values import Duration
from tuiops.errors import QueryRefused

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tuiops.core.health import Reading

_DAY = timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def _look(context: ssl.SSLContext, authority: Authority) -> Reading:
    async with serving(silent, context) as port:
        return await knock(TlsProbe(service="web", host="127.0.0.1", port=port, ca=str(authority.file)))


async def test_a_good_certificate_has_its_life_left_as_value(authority: Authority) -> None:
    reading = await _look(authority.server(ends=30 * _DAY), authority)
    assert not reading.problem
    assert reading.value == pytest.approx(30 * 86400, abs=60)


@pytest.mark.parametrize(
    ("options", "words", "days"),
    [
        ({"starts": -9 * _DAY, "ends": -3 * _DAY}, "expired 3d0h ago", -3),
        ({"starts": 2 * _DAY, "ends": 9 * _DAY}, "is not valid yet", 9),
        ({"name": "other.example"}, "is for another", 90),
        ({"name": "10.9.8.7"}, "is for another address", 90),
        ({"signed": False}, "is self-signed", 90),
    ],
)
async def test_a_refused_certificate_says_why_and_how_long_it_lives(
    authority: Authority, options: dict[str, object], words: str, days: int
) -> None:
    reading = await _look(authority.server(**options), authority)  # type: ignore[arg-type] # each case has its own
    assert reading.problem.startswith("certificate of 127.0.0.1:")
    assert words in reading.problem
    assert reading.value == pytest.approx(days * 86400, abs=60)


async def test_an_unknown_authority_is_not_taken_for_expiry(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "stranger"
    folder.mkdir()
    reading = await _look(Authority(folder).server(), authority)
    assert "is not trusted" in reading.problem


async def test_a_server_without_tls() -> None:
    async with serving(saying(b"220 mail.example ESMTP\r\n")) as port:
        reading = await knock(TlsProbe(service="web", host="127.0.0.1", port=port))
    assert reading.problem == f"127.0.0.1:{port} does not speak TLS"


async def test_a_handshake_that_never_ends_times_out() -> None:
    async with serving(silent) as port:
        reading = await knock(TlsProbe(service="web", host="127.0.0.1", port=port, timeout=Duration(0.2)))
    assert reading.problem == "timed out after 0.2s"


async def test_nobody_there() -> None:
    port = free_port()
    reading = await knock(TlsProbe(service="web", host="127.0.0.1", port=port))
    assert reading.problem == f"refused 127.0.0.1:{port}"


async def test_an_unreadable_authority_is_our_trouble(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match=r"missing\.pem"):
        await knock(TlsProbe(service="web", host="127.0.0.1", ca=str(tmp_path / "missing.pem")))
