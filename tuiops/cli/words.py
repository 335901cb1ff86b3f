"""The words of `tuiops runbook`: each takes what it uses, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tuiops.cli.parsing import MixedParser

if TYPE_CHECKING:
    import argparse

_LOST = "word of what a lost console had begun"


class _Headless(Protocol):
    def __call__(self, command: argparse.ArgumentParser, *, system: bool = ..., timeout: str = ...) -> None: ...


def add_to(
    command: argparse.ArgumentParser,
    common: MixedParser,
    headless: _Headless,
) -> None:
    """`common`: options that every command takes; `headless` adds those of commands without a screen."""
    words = command.add_subparsers(title="words", metavar="WORD", dest="what", required=True, parser_class=MixedParser)

    def word(name: str, purpose: str, **takes: Any) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = words.add_parser(
            name, parents=[common], help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
        )
        headless(made, **takes)
        return made

    word("list", "print the runbooks", timeout="")
    _of_runbook(word("show", "print one of them", system=False, timeout=""), values=False)
    _of_runbook(word("plan", "print exactly what would be done, and what confirms it"))
    run = word("run", "plan it, have it confirmed, and carry it out")
    _of_runbook(run)
    _confirmed(run)
    approve = _of_run(word("approve", "let another person's run begin", system=False, timeout=""))
    approve.add_argument("--confirm", metavar="HASH", help="the hash of the plan that you have seen")
    _noted(_of_run(word("reject", "say no to another person's run", system=False, timeout="")), "why")
    _confirmed(_of_run(word("resume", "go on with a run that nobody carries out", system=False)))
    _noted(_of_run(word("abort", "end a run and what it started", system=False, timeout=_LOST)), "why")
    settle = _of_step(word("settle", "say how a step came out", system=False, timeout=_LOST))
    ends = settle.add_mutually_exclusive_group(required=True)
    for end in ("succeeded", "failed"):
        ends.add_argument(f"--{end}", dest="came_out", action="store_const", const=end, help=f"it has {end}")
    _noted(settle, "what is known of it")
    _noted(_of_step(word("skip", "leave a step out", system=False, timeout=_LOST)), "why")
    _confirmed(_of_run(word("undo", "undo what a run did, last first", system=False)))


def _of_runbook(word: argparse.ArgumentParser, *, values: bool = True) -> None:
    word.add_argument("name", metavar="NAME", help="a runbook")
    if values:
        word.add_argument(
            "values", nargs="*", default=(), metavar="NAME=VALUE", help="parameters; a list is given value by value"
        )


def _of_run(word: argparse.ArgumentParser) -> argparse.ArgumentParser:
    word.add_argument("name", metavar="RUN", help="number or identity of a run")
    return word


def _of_step(word: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _of_run(word).add_argument("step", metavar="STEP", help="one of its steps")
    return word


def _confirmed(word: argparse.ArgumentParser) -> None:
    word.add_argument("--dry-run", action="store_true", help="only print what would be done, and what confirms it")
    word.add_argument("--confirm", metavar="HASH", help="what stands behind `confirm` where it was printed")


def _noted(word: argparse.ArgumentParser, what: str) -> None:
    word.add_argument("--note", metavar="TEXT", default="", help=what)
