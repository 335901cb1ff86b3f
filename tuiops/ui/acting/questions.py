"""What is asked before something is done to a run, and what is done when it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.access import Danger
from tuiops.core.runs import StepState
from tuiops.core.snapshot import Environment
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.runbooks.engine.aborting import abort_text
from tuiops.ui.acting.ask import Question
from tuiops.ui.acting.card_rows import card_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuiops.core.runs import RunView, StepView
    from tuiops.runbooks.desk.desk import Desk
    from tuiops.runbooks.planning.plan import Card
    from tuiops.ui.acting.ask import Deed


def _question(
    run: RunView, title: SafeText, sentences: Sequence[SafeText], *options: tuple[str, SafeText],
    field: SafeText = EMPTY, needed: bool = False, exactly: SafeText = EMPTY, about: Card | None = None,
    filled: SafeText = EMPTY,
) -> Question:  # fmt: skip
    """`exactly`: what has to be typed of what destroys; `about`: the card that is decided about."""
    if exactly:
        field = fmt("type {} to confirm:", exactly)
    return Question(
        title=fmt("{} run #{} · {}", title, run.number, run.title),
        sentences=tuple(sentences),
        options=options,
        field=field,
        needed=needed,
        exactly=exactly,
        filled=filled,
        sheet=(lambda pen: card_sheet(pen, about)) if about is not None else None,
        environment=Environment(run.environment, production=run.production),
        run=run,
    )


def spoken_of(run: RunView) -> StepView | None:
    """The step that there is something to say about: one whose end is unknown, one that asks, or the next one."""
    for state in (StepState.UNKNOWN, StepState.ASKING):
        for step in run.steps:
            if step.state is state:
                return step
    return run.step


def abort(run: RunView) -> Question:
    said = abort_text(run)
    return _question(run, lit("Abort"), said, ("abort", lit("Abort")), field=lit("why, if you want to say so:"))


def aborting(desk: Desk, run: RunView) -> Deed:
    return lambda _, text: desk.abort(run.id, text)


def resume(run: RunView) -> Question:
    if run.undoing:
        said = [lit("It goes on with the undo, the last step first:"), *_undoes(run)]
    elif not run.ahead:
        said = [lit("Every step is over; this ends it.")]
    else:
        step, *later = run.ahead
        said = [
            fmt("It goes on with “{}”:", step.title),
            step.call,
            fmt("That step {} ({}).", step.danger.word, step.danger.letter),
        ]
        said += [
            fmt("Later, “{}” destroys (X): {}", one.title, one.call or one.title)
            for one in later
            if one.danger is Danger.DESTROYS
        ]
    return _question(run, lit("Resume"), said, ("resume", lit("Resume")), exactly=run.must_type(undo=False))


def resuming(desk: Desk, run: RunView) -> Deed:
    return lambda _, text: desk.resume(run, text)


def skip(run: RunView) -> Question:
    step = spoken_of(run)
    said = [fmt("“{}” is left out. Nothing is done or undone by that.", _title(step))]
    return _question(run, lit("Skip a step of"), said, ("skip", lit("Skip it")), field=lit("why:"), needed=True)


def skipping(desk: Desk, run: RunView) -> Deed:
    step = spoken_of(run)
    return lambda _, text: desk.skip(run, step.key if step is not None else "", text)


def settle(run: RunView) -> Question:
    step = spoken_of(run)
    said = [fmt("“{}”", _title(step))]
    if step is not None and step.call:
        said.append(step.call)
    if step is not None and step.state is StepState.UNKNOWN:
        said.append(lit("Look at the system itself before you say so: nobody else does."))
    said.append(lit("What you say is recorded with your name."))
    worked, failed = ("worked", lit("It worked")), ("failed", lit("It failed"))
    return _question(run, lit("How it went:"), said, worked, failed, field=lit("what you know of it:"), needed=True)


def settling(desk: Desk, run: RunView) -> Deed:
    step = spoken_of(run)
    key = step.key if step is not None else ""
    return lambda name, text: desk.settle(run, key, succeeded=name == "worked", note=text)


def undo(run: RunView) -> Question:
    said = [lit("The last step first:"), *_undoes(run)]
    return _question(run, lit("Undo"), said, ("undo", lit("Undo")), exactly=run.must_type(undo=True))


def _undoes(run: RunView) -> Iterator[SafeText]:
    """What becomes of each step that changed something, in the order of the undo."""
    if run.overtaken:
        yield fmt("Careful: {}. This goes back over that.", run.overtaken)
    numbers = {step.key: number for number, step in enumerate(run.steps, 1)}
    for step in run.changed:
        if step.undo_call:
            doubt = lit(" (perhaps done in part)") if step.in_part else EMPTY
            yield fmt("{}  {}  {}{}: {}", numbers[step.key], step.danger.letter, step.title, doubt, step.undo_call)
        else:
            yield fmt("{}  {} is left as it is: {}", numbers[step.key], step.title, step.stays)


def undoing(desk: Desk, run: RunView) -> Deed:
    return lambda _, text: desk.undo(run, text)


def approve(run: RunView, card: Card) -> Question:
    """`card`: of the plan that was asked for, whole: who approves sees what was seen by who asked."""
    said = [
        fmt("{} asked for it at {}/{}. You approve exactly this:", run.by, run.system, run.target),
        fmt("The plan has the digest {}. The state is read again before it begins.", safe(card.digest[:12])),
    ]
    return _question(
        run, lit("Approve"), said, ("approve", lit("Approve")), exactly=card.must_type, about=card
    )  # fmt: skip


def approving(desk: Desk, run: RunView, card: Card) -> Deed:
    return lambda _, text: desk.approve(run.id, card.digest, text)


def reject(run: RunView, why: SafeText = EMPTY) -> Question:
    """`why`: what was given as the reason already."""
    said = [fmt("It then never begins. {} asked for it at {}/{}.", run.by, run.system, run.target)]
    return _question(run, lit("Reject"), said, ("reject", lit("Reject")), field=lit("why:"), needed=True, filled=why)


def rejecting(desk: Desk, run: RunView) -> Deed:
    return lambda _, text: desk.reject(run.id, text)


def quitting(runs: Sequence[RunView]) -> Question:
    """What becomes of runs that this console carries out."""
    said = [fmt("#{} {}: {}", run.number, run.title, run.state.word) for run in runs]
    said += [
        lit("This console carries that out. What a step has begun goes on without it; no later step begins."),
        lit("Any console finds it again with X, looks up how the step ended, and can resume it."),
    ]
    return Question(
        title=lit("Quit while a run is under way"), sentences=tuple(said), options=(("quit", lit("Quit")),),
        leave=lit("Stay"),
    )  # fmt: skip


def _title(step: StepView | None) -> SafeText:
    return step.title if step is not None else lit("the step")
