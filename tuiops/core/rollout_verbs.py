"""What could be done to a rollout, and what would come of it: one sentence for each verb, from what is known of it."""

from __future__ import annotations

from enum import Enum

import msgspec

from tuiops.core.rollouts import Phase, Rollout, Step
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit


class Verb(Enum):
    """What can be done to rollouts anywhere; whether a vendor can do it is another matter."""

    PAUSE = "pause"
    PROMOTE = "promote"
    ABORT = "abort"
    ROLL_BACK = "roll back"
    RETRY = "retry"

    @property
    def word(self) -> SafeText:
        return lit(self.value)


class Consequence(msgspec.Struct, frozen=True):
    """What a verb would do; where it would do nothing, the text says why."""

    verb: Verb
    text: SafeText
    possible: bool = True


def consequences(rollout: Rollout) -> tuple[Consequence, ...]:
    """One for each verb, in their order."""
    return tuple(consequence(rollout, verb) for verb in Verb)


def consequence(rollout: Rollout, verb: Verb) -> Consequence:
    """What the verb would do to this rollout as it stands."""
    refusal = _refusal(rollout, verb)
    if refusal:
        return Consequence(verb, refusal, possible=False)
    return Consequence(verb, _TEXTS[verb](rollout))


def shifts_traffic(rollout: Rollout) -> bool:
    """Whether both revisions serve side by side and traffic is shared out, rather than instances replaced in place."""
    shares = (share for side in rollout.sides for share in (side.set, side.actual))
    partial = (step.weight is not None and 0 < step.weight < 1 for step in rollout.steps)
    return any(share is not None for share in shares) or any(partial)


def _refusal(rollout: Rollout, verb: Verb) -> SafeText:
    """Why the verb would do nothing; empty when it would do something."""
    if verb is Verb.RETRY:
        return _nothing_to_retry(rollout)
    if verb is Verb.ROLL_BACK and rollout.phase in {Phase.ROLLED_BACK, Phase.FAILED}:
        return fmt("Nothing: {} serves already, as far as the source tells.", rollout.old or lit("the old revision"))
    if verb is Verb.ROLL_BACK and rollout.phase is Phase.SUPERSEDED:
        return lit("Nothing: another rollout took its place.")
    if verb is not Verb.ROLL_BACK and not rollout.live:
        return lit("Nothing: it is over.")
    if verb in {Verb.ABORT, Verb.ROLL_BACK}:
        return EMPTY if rollout.old else lit("Not possible: the revision to return to is not known.")
    return EMPTY if shifts_traffic(rollout) else _IN_PLACE[verb]


_IN_PLACE = {
    Verb.PAUSE: lit("Not possible: instances are replaced without a step to stop at."),
    Verb.PROMOTE: lit("Nothing: every instance is being replaced already."),
}
"""Why a verb does nothing where instances are replaced in place."""


def _nothing_to_retry(rollout: Rollout) -> SafeText:
    if rollout.live:
        return lit("Nothing: it is still under way.")
    return lit("Nothing: it succeeded.") if rollout.phase is Phase.SUCCEEDED else EMPTY


def _pause(rollout: Rollout) -> SafeText:
    share = rollout.share_set
    kept = fmt("{} keeps {} of traffic", _new(rollout), _percent(share)) if share else lit("no traffic moves")
    running = next((step for step in rollout.steps if step.phase is Phase.RUNNING), None)
    if running is None:
        return fmt("It goes no further: {}.", kept)
    return fmt("It stays at {} until it is resumed: {}, and no timer ends the step.", _name(running), kept)


def _promote(rollout: Rollout) -> SafeText:
    waiting = [step for step in rollout.steps if step.phase in {Phase.WAITING, Phase.RUNNING}]
    # The steps that give the new revision everything are not skipped: they are what happens.
    skipped = [step for step in waiting if step.weight is None or step.weight < 1]
    text = fmt("100% of traffic goes to {} at once", _new(rollout))
    if skipped:
        text = fmt("{}, without waiting for {}", text, _listed([_name(step) for step in skipped]))
    return fmt("{}.", text)


def _abort(rollout: Rollout) -> SafeText:
    side = rollout.new_side
    running = side.running if side is not None else None
    if shifts_traffic(rollout):
        share = rollout.share_actual if rollout.share_actual is not None else rollout.share_set
        returns = (
            fmt("{} of traffic returns to {}", _percent(share), rollout.old)
            if share
            else fmt("{} keeps all traffic", rollout.old)
        )
        return fmt("{}; {}.", returns, _stops(rollout, running))
    if running:
        verb = lit("is") if running == 1 else lit("are")
        return fmt("{} of {} {} replaced by {} again.", _instances(running), _new(rollout), verb, rollout.old)
    return fmt("Instances of {} are replaced by {} again.", _new(rollout), rollout.old)


def _stops(rollout: Rollout, running: int | None) -> SafeText:
    if running is None:
        return fmt("instances of {} stop", _new(rollout))
    if not running:
        return fmt("no instance of {} runs", _new(rollout))
    noun = fmt("{} running instance", running) if running == 1 else fmt("{} running instances", running)
    return fmt("{} of {} {}", noun, _new(rollout), lit("stops") if running == 1 else lit("stop"))


def _roll_back(rollout: Rollout) -> SafeText:
    if rollout.live:
        return lit("The same as abort while it is under way.")
    if shifts_traffic(rollout):
        return fmt("100% of traffic goes to {}; {} gets none.", rollout.old, _new(rollout))
    side = rollout.new_side
    count = side.desired if side is not None and side.desired else None
    what = _instances(count) if count else lit("all instances")
    return fmt("Another rollout replaces {} by {}.", what, rollout.old)


def _retry(rollout: Rollout) -> SafeText:
    first = next((step for step in rollout.steps if step.weight is not None and step.weight > 0), None)
    if shifts_traffic(rollout) and first is not None:
        share = _percent(first.weight)
        return fmt("It begins again from the first step; {} gets {} of traffic first.", _new(rollout), share)
    return fmt("It begins again from the first step towards {}.", _new(rollout))


def _new(rollout: Rollout) -> SafeText:
    return rollout.new or lit("the new revision")


def _name(step: Step) -> SafeText:
    return fmt("{} {}", step.stage, step.label) if step.stage and step.stage != step.label else step.label


def _percent(share: float | None) -> SafeText:
    return SafeText(f"{(share or 0.0) * 100:.0f}%")


def _instances(count: int) -> SafeText:
    return lit("1 instance") if count == 1 else fmt("{} instances", count)


def _listed(names: list[SafeText]) -> SafeText:
    """The first two, and how many more."""
    if len(names) > 2:
        more = len(names) - 2
        return fmt("{} and {} more {}", join(", ", names[:2]), more, lit("step") if more == 1 else lit("steps"))
    return join(" and ", names)


_TEXTS = {
    Verb.PAUSE: _pause, Verb.PROMOTE: _promote, Verb.ABORT: _abort, Verb.ROLL_BACK: _roll_back, Verb.RETRY: _retry,
}  # fmt: skip
