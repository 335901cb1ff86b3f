"""What verbs would do: one true sentence each, for whatever is known."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.rollout_verbs import Verb, consequence, consequences
from tuiops.core.rollouts import Phase, Rollout, Side, Step, StepKind
from tuiops.core.text import EMPTY, lit, safe

CANARY = Rollout(
    id=lit("r1"), system=lit("shop"), service=lit("api"), strategy=lit("canary"), old=lit("rev-41"), new=lit("rev-42"),
    phase=Phase.RUNNING, started=datetime(2026, 3, 5, tzinfo=UTC),
    steps=(
        Step(label=lit("bake"), stage=lit("canary"), phase=Phase.RUNNING, kind=StepKind.WAIT, weight=0.1),
        Step(label=lit("shift"), stage=lit("half"), phase=Phase.WAITING, weight=0.5),
        Step(label=lit("100%"), phase=Phase.WAITING, weight=1.0),
    ),
    sides=(
        Side(revision=lit("rev-42"), set=0.1, actual=0.1, desired=2, running=2),
        Side(revision=lit("rev-41"), set=0.9, actual=0.9, desired=18, running=18),
    ),
)  # fmt: skip
ROLLING = msgspec.structs.replace(
    CANARY, strategy=lit("rolling"), steps=(Step(label=lit("replace"), phase=Phase.RUNNING),),
    sides=(Side(revision=lit("rev-42"), desired=4, running=1), Side(revision=lit("rev-41"), running=3)),
)  # fmt: skip
BACK = msgspec.structs.replace(CANARY, phase=Phase.ROLLED_BACK, ended=CANARY.started)
DONE = msgspec.structs.replace(CANARY, phase=Phase.SUCCEEDED, ended=CANARY.started)


@pytest.mark.parametrize(
    ("rollout", "verb", "text"),
    [
        (CANARY, Verb.PAUSE,
         "It stays at canary bake until it is resumed: rev-42 keeps 10% of traffic, and no timer ends the step."),
        (CANARY, Verb.PROMOTE,
         "100% of traffic goes to rev-42 at once, without waiting for canary bake and half shift."),
        (CANARY, Verb.ABORT, "10% of traffic returns to rev-41; 2 running instances of rev-42 stop."),
        (CANARY, Verb.ROLL_BACK, "The same as abort while it is under way."),
        (CANARY, Verb.RETRY, "Nothing: it is still under way."),
        (ROLLING, Verb.PAUSE, "Not possible: instances are replaced without a step to stop at."),
        (ROLLING, Verb.PROMOTE, "Nothing: every instance is being replaced already."),
        (ROLLING, Verb.ABORT, "1 instance of rev-42 is replaced by rev-41 again."),
        (BACK, Verb.ABORT, "Nothing: it is over."),
        (BACK, Verb.ROLL_BACK, "Nothing: rev-41 serves already, as far as the source tells."),
        (BACK, Verb.RETRY, "It begins again from the first step; rev-42 gets 10% of traffic first."),
        (DONE, Verb.ROLL_BACK, "100% of traffic goes to rev-41; rev-42 gets none."),
        (DONE, Verb.RETRY, "Nothing: it succeeded."),
        (msgspec.structs.replace(ROLLING, phase=Phase.SUCCEEDED), Verb.ROLL_BACK,
         "Another rollout replaces 4 instances by rev-41."),
        (msgspec.structs.replace(CANARY, old=EMPTY), Verb.ABORT,
         "Not possible: the revision to return to is not known."),
    ],
)  # fmt: skip
def test_what_a_verb_would_do(rollout: Rollout, verb: Verb, text: str) -> None:
    assert consequence(rollout, verb).text == text


def test_a_traffic_that_has_not_come_yet_is_not_said_to_return() -> None:
    sides = (Side(revision=lit("rev-42"), set=0.1, actual=0.0, running=0), *CANARY.sides[1:])
    early = msgspec.structs.replace(CANARY, sides=sides)
    assert consequence(early, Verb.ABORT).text == "rev-41 keeps all traffic; no instance of rev-42 runs."


counts = st.one_of(st.none(), st.integers(0, 50))
share = st.one_of(st.none(), st.floats(0, 1))
names = st.sampled_from(["", "rev-41", "rev-42", "\x1b[2J"]).map(safe)
rollouts = st.builds(
    Rollout, id=st.just(lit("r")), system=names, service=names, strategy=names, old=names, new=names,
    phase=st.sampled_from(list(Phase)), started=st.just(CANARY.started),
    ended=st.sampled_from([None, CANARY.started]), weight=share,
    steps=st.lists(
        st.builds(Step, label=names, phase=st.sampled_from(list(Phase)), stage=names, weight=share), max_size=5
    ).map(tuple),
    sides=st.lists(
        st.builds(Side, revision=names, set=share, actual=share, desired=counts, running=counts), max_size=3
    ).map(tuple),
)  # fmt: skip


@given(rollouts)
def test_every_verb_is_one_sentence_and_none_is_possible_that_contradicts_the_phase(rollout: Rollout) -> None:
    found = {one.verb: one for one in consequences(rollout)}
    assert list(found) == list(Verb)
    for one in found.values():
        assert one.text.endswith(".")
        assert "{" not in one.text
        assert one.possible is not one.text.startswith(("Nothing:", "Not possible:"))
    if rollout.live:
        assert not found[Verb.RETRY].possible
    else:
        assert not any(found[verb].possible for verb in (Verb.PAUSE, Verb.PROMOTE, Verb.ABORT))
    if not rollout.old:
        assert not found[Verb.ROLL_BACK].possible
