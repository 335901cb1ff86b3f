"""DNS: whether a name resolves, to what is expected, and how long that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import fmt, join, lit, safe
from tuiops.errors import QueryRefused, Unreachable
from tuiops.sources.probe.base import Answer, ProbeFailed

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.resolver

    from tuiops.config.systems import DnsProbe
    from tuiops.core.clock import Clock
    from tuiops.core.text import SafeText

_SHOWN = 5
"""Answers that are named when an expected one is missing."""


class DnsKnock:
    """One lookup, without a cache and without the search list."""

    def __init__(self, config: DnsProbe, *, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def prepare(self) -> None:
        if self._resolver is None:
            self._resolver = self._make_resolver()

    async def __call__(self) -> Answer:
        import dns.exception
        import dns.resolver

        config, name = self._config, safe(self._config.name)
        resolver = self._resolver or self._make_resolver()
        started = self._clock.monotonic()
        try:
            found = await resolver.resolve(
                config.name, config.record, search=False, raise_on_no_answer=True, lifetime=float(config.timeout)
            )
        except dns.resolver.NXDOMAIN as error:
            raise ProbeFailed(fmt("NXDOMAIN {}", name)) from error
        except dns.resolver.NoAnswer as error:
            raise ProbeFailed(fmt("no {} record of {}", safe(config.record), name)) from error
        except dns.resolver.NoNameservers as error:
            raise ProbeFailed(fmt("{} for {}", _refusal(error), name)) from error
        except dns.exception.Timeout as error:
            raise TimeoutError from error
        except dns.exception.DNSException as error:
            raise QueryRefused(f"cannot look up {name}: {safe(str(error))}") from error
        seconds = self._clock.monotonic() - started
        # In an order of our own: name servers rotate their answers.
        answers = tuple(safe(text) for text in sorted(record.to_text() for record in found))
        present = {_plain(answer) for answer in answers}
        for expected in config.expect:
            if _plain(expected) not in present:
                shown = join(", ", answers[:_SHOWN])
                raise ProbeFailed(fmt("{} is {}, expected {}", name, shown, safe(expected)), seconds)
        return Answer(seconds, join(", ", answers[:_SHOWN]))

    async def close(self) -> None:
        """Nothing is kept."""

    def _make_resolver(self) -> dns.asyncresolver.Resolver:
        import dns.asyncresolver
        import dns.resolver

        try:
            resolver = dns.asyncresolver.Resolver(configure=self._config.server is None)
            if self._config.server is not None:
                resolver.nameservers = [self._config.server]
                resolver.port = self._config.server_port
        except (dns.resolver.NoResolverConfiguration, OSError) as error:
            raise Unreachable("this machine has no name server configured") from error
        except ValueError as error:
            raise QueryRefused(f"{safe(self._config.server or '')} is not the address of a name server") from error
        return resolver


def _refusal(error: dns.resolver.NoNameservers) -> SafeText:
    """What the last name server that was asked said: `SERVFAIL from 10.0.0.2`."""
    attempts = error.kwargs.get("errors") or ()
    for attempt in reversed(attempts):
        server, _, _, reason, _ = attempt
        word = reason if isinstance(reason, str) else type(reason).__name__
        # dnspython writes `Do53:10.0.0.2@53`.
        address = str(server).removeprefix("Do53:").rsplit("@", 1)[0]
        return fmt("{} from {}", safe(word, 80), safe(address))
    return lit("no name server answers")


def _plain(answer: str) -> str:
    """Without the differences that DNS does not make: case and the final dot."""
    return answer.strip('"').rstrip(".").casefold()
