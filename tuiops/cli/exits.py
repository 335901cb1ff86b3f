"""What the exit code of every command means: the four of monitoring plug-ins, and those of sysexits.h."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; `meaning` is what the documentation says."""

    OK = 0
    DEGRADED = 1
    DOWN = 2
    UNKNOWN = 3
    REFUSED = 10
    RUN_FAILED = 11
    RUN_ABORTED = 12
    RUN_UNKNOWN = 13
    RUN_WAITS = 14
    USAGE = 64
    SOFTWARE = 70
    CONFIG = 78
    HANGUP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "all is well, and every source that says so is live",
    Exit.DEGRADED: "a service is degraded, a P2 fires, or a rollout went wrong or something has drifted",
    Exit.DOWN: "a service is down, a P1 fires, or the ledger is not whole",
    Exit.UNKNOWN: "nothing worse is known, but something is stale, missing or was never read",
    Exit.REFUSED: (
        "what was asked for was not begun: not allowed, not confirmed, held by another run, not as it was shown, "
        "not possible as the run stands, or the ledger did not take it"
    ),
    Exit.RUN_FAILED: "the run failed, or another person rejected it",
    Exit.RUN_ABORTED: "the run was aborted",
    Exit.RUN_UNKNOWN: "nobody can tell yet how a step of the run ended, or the record of the run broke off",
    Exit.RUN_WAITS: "the run waits for somebody who says how it goes on",
    Exit.USAGE: "the command line is wrong",
    Exit.SOFTWARE: "tuiops failed, or could not write its output; its log file says more",
    Exit.CONFIG: "the configuration has mistakes, or blanks that are to be filled in",
    Exit.HANGUP: "the terminal went away (SIGHUP)",
    Exit.INTERRUPTED: "ended by Ctrl-c",
    Exit.BROKEN_PIPE: "whoever read the output went away",
    Exit.TERMINATED: "ended by SIGTERM",
}
