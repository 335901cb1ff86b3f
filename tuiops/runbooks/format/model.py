"""The format of a runbook: one TOML file each, every field with the description that reference and schema repeat.

A value in braces, such as `{service}`, is a parameter, something read when it is planned, the variable of an `each`, or
`{step.name}`, something that an earlier step captured. It stands for exactly one word or a part of one; `{{` and `}}`
are braces. `PLACE` marks the texts that may have such placeholders, and says how values are written into them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tuiops.config.values import KIND, Duration, Id, Regex, Secret

PLACE = "place"
"""Key in `Meta.extra` of a text with placeholders: one of `template.Place`."""

Word = Annotated[str, Meta(min_length=1, max_length=4096, extra={PLACE: "word"})]
"""One word of a command or of a call, with placeholders."""

Name = Annotated[str, Meta(min_length=1, max_length=255, extra={PLACE: "name"})]
"""The name of something in the configuration, with placeholders."""

Address = Annotated[
    str, Meta(min_length=1, max_length=4096, pattern="^https?://[^/?#{}@]+([/?]|$)", extra={PLACE: "url"})
]
"""An HTTP address; placeholders stand behind the host only."""

Query = Annotated[str, Meta(min_length=1, max_length=10_000, extra={KIND: "promql", PLACE: "promql"})]
"""PromQL; placeholders stand inside of label values only, and braces outside of quotes are PromQL's own."""

Body = Annotated[str, Meta(max_length=10_000, extra={KIND: "prose", PLACE: "json"})]
"""JSON; placeholders stand inside of its strings only, and braces outside of them are JSON's own."""

Prose = Annotated[str, Meta(max_length=4000, extra={KIND: "prose"})]
"""Sentences; may have several lines."""

Sentences = Annotated[str, Meta(max_length=4000, extra={KIND: "prose", PLACE: "text"})]
"""Sentences with placeholders."""

Title = Annotated[str, Meta(min_length=1, max_length=200, extra={PLACE: "text"})]
"""A few words with placeholders."""

Setting = Annotated[str, Meta(max_length=4096, extra={PLACE: "word"})]
"""A value with placeholders, which may be empty."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose unknown keys are mistakes."""


# --- Parameters ----------------------------------------------------------------------------------------------


class Parameter(_Table, frozen=True, kw_only=True, tag_field="type"):
    """What a person chooses or types before anything is planned."""

    label: Annotated[str, Meta(description="What it is called on screen; its name when empty.")] = ""
    description: Annotated[Prose, Meta(description="One sentence of help.")] = ""
    default: Annotated[str, Meta(description="Value that stands there at first; checked like any other.")] = ""
    many: Annotated[bool, Meta(description="Whether it is an ordered list of such values.")] = False
    defaults: Annotated[
        tuple[str, ...], Meta(description="With `many`: the values that stand there at first, in their order.")
    ] = ()


class TextParameter(Parameter, frozen=True, kw_only=True, tag="text"):
    """A text that a pattern bounds."""

    pattern: Annotated[Regex, Meta(description="What all of it must match; a value never begins with `-`.")]


class EnumParameter(Parameter, frozen=True, kw_only=True, tag="enum"):
    """One of a few values."""

    options: Annotated[tuple[str, ...], Meta(description="The values.", min_length=1)]


class IntegerParameter(Parameter, frozen=True, kw_only=True, tag="integer"):
    """A whole number within bounds."""

    least: Annotated[int, Meta(description="The least that it may be.", ge=0)]
    most: Annotated[int, Meta(description="The most that it may be.", ge=0)]


class TimestampParameter(Parameter, frozen=True, kw_only=True, tag="timestamp"):
    """A moment: RFC 3339 with `Z` or an offset."""

    future: Annotated[bool, Meta(description="Whether it may lie ahead.")] = False
    earliest: Annotated[Duration | None, Meta(description="How far back it may lie, such as `7d`.")] = None


ListedThing = Literal["services", "resources", "revisions", "backups", "secret_versions"]


class ListedParameter(Parameter, frozen=True, kw_only=True, tag="listed"):
    """One of what there is at this moment; a value that is not in the list is refused."""

    of: Annotated[ListedThing, Meta(description="What is listed.")]
    resource: Annotated[
        Name | None,
        Meta(description="Resource whose revisions, backups or versions are listed; may be a parameter before it."),
    ] = None
    kind: Annotated[str, Meta(description="With `resources`: only those of this kind, such as `cloud_run`.")] = ""


AnyParameter = TextParameter | EnumParameter | IntegerParameter | TimestampParameter | ListedParameter

ReadThing = Literal["serving", "previous", "revisions", "backups", "secret_versions", "name", "project", "region"]


class Read(_Table, frozen=True, kw_only=True):
    """Something that is read when it is planned: it stands on the card, and is read again before anything is done."""

    of: Annotated[
        ReadThing,
        Meta(
            description="`serving`: the revision with most of the traffic; `previous`: the one that served before it; "
            "`revisions`, `backups`, `secret_versions`: the newest one; "
            "`name`, `project`, `region`: what the configuration says of the resource."
        ),
    ]
    resource: Annotated[Name, Meta(description="The resource; may be a parameter or the variable of an `each`.")]
    other_than: Annotated[
        Id | None, Meta(description="What is read by this name, or chosen for this parameter, must be another one.")
    ] = None
    same_as: Annotated[
        Id | None, Meta(description="What is read by this name, or chosen for this parameter, must be the same.")
    ] = None


# --- Checks: gates, and what confirms that a step worked ----------------------------------------------------------


class Check(_Table, frozen=True, kw_only=True, tag_field="by"):
    """A condition that is true or false; without data it is false."""

    hold: Annotated[Duration, Meta(description="How long it must hold without a break.")] = Duration(0)
    within: Annotated[Duration, Meta(description="How long it has to begin to hold; then it has failed.")] = Duration(
        60
    )
    every: Annotated[Duration, Meta(description="How often to look.", extra={"least": 0.1})] = Duration(5)


class IndicatorCheck(Check, frozen=True, kw_only=True, tag="indicator"):
    """An indicator of a service, as the health pane shows it."""

    service: Annotated[Name, Meta(description="The service.")]
    indicator: Annotated[Name, Meta(description="The indicator's id; a resource's state is `resource:ID`.")]
    limit: Annotated[
        str, Meta(description="What its value must be, such as `<= 1%`; of a state `ok`, or `degraded` for no worse.")
    ]


class QueryCheck(Check, frozen=True, kw_only=True, tag="promql"):
    """An expression on a Prometheus source; each of its series must be within the limit, and there must be one."""

    source: Annotated[Id, Meta(description="Name of the source.")]
    query: Annotated[Query, Meta(description="The expression; placeholders stand inside of label values only.")]
    limit: Annotated[str, Meta(description="What each value must be, such as `>= 0.95`.")]


class HttpCheck(Check, frozen=True, kw_only=True, tag="http"):
    """A GET of an address."""

    url: Annotated[Address, Meta(description="The address; placeholders are encoded into its path or query.")]
    status: Annotated[tuple[int, ...], Meta(description="Statuses that are right.")] = (200,)
    matches: Annotated[Regex, Meta(description="What the body must contain; empty: anything.")] = ""
    via: Annotated[str, Meta(description="Bastion to go through; empty: straight.")] = ""


class CommandCheck(Check, frozen=True, kw_only=True, tag="command"):
    """A command that reads only; it holds when its exit status is 0."""

    argv: Annotated[tuple[Word, ...], Meta(description="The command, word by word.", min_length=1)]
    via: Annotated[str, Meta(description="Bastion to run it on; empty: this machine.")] = ""


class RolloutCheck(Check, frozen=True, kw_only=True, tag="rollout"):
    """No rollout of the service is under way."""

    service: Annotated[Name, Meta(description="The service.")]
    ended: Annotated[
        Literal["any", "succeeded", "waiting"],
        Meta(
            description="How the last one must have ended; `any`: just not under way; "
            "`waiting`: it may wait for its first traffic."
        ),
    ] = "any"


AnyCheck = IndicatorCheck | QueryCheck | HttpCheck | CommandCheck | RolloutCheck


# --- What is done -------------------------------------------------------------------------------------------------


class Capture(_Table, frozen=True, kw_only=True):
    """A value taken from what a command printed or an address answered, for later steps."""

    json: Annotated[str, Meta(description="JSON pointer into the output, such as `/status/latest`.")] = ""
    line: Annotated[Regex, Meta(description="Pattern with one group, looked for line by line.")] = ""
    pattern: Annotated[Regex, Meta(description="What all of the value must match to be used.")]
    equals: Annotated[
        Setting, Meta(description="What it must be, mostly a placeholder; empty: whatever matches the pattern.")
    ] = ""


class _Action(_Table, frozen=True, kw_only=True, tag_field="kind"):
    """Something that is done."""


class CommandAction(_Action, frozen=True, kw_only=True, tag="command"):
    """A command. It is never given to a shell."""

    argv: Annotated[tuple[Word, ...], Meta(description="The command, word by word.", min_length=1)]
    via: Annotated[str, Meta(description="Bastion to run it on; empty: this machine.")] = ""
    environment: Annotated[
        dict[str, Setting | Secret], Meta(description="Variables set for it; a secret is never shown nor recorded.")
    ] = {}
    stdin: Annotated[Secret | None, Meta(description="Secret that it reads from its standard input.")] = None
    statuses: Annotated[tuple[int, ...], Meta(description="Exit statuses that mean success.")] = (0,)
    capture: Annotated[dict[Id, Capture], Meta(description="Values for later steps.")] = {}


Ability = Literal[
    "shift_traffic", "roll_back", "restart", "scale", "take_backup", "restore_backup", "add_secret_version", "snooze"
]  # fmt: skip


class ApiAction(_Action, frozen=True, kw_only=True, tag="api"):
    """An ability of the source that watches a resource."""

    ability: Annotated[Ability, Meta(description="What is done.")]
    resource: Annotated[Name, Meta(description="The resource, by its id in the system.")]
    arguments: Annotated[dict[Id, Word], Meta(description="What the ability wants to know.")] = {}
    value: Annotated[Secret | None, Meta(description="With `add_secret_version`: the value.")] = None
    late: Annotated[
        bool,
        Meta(
            description="Whether the state can be read only when its turn comes, because earlier steps make what it "
            "acts on; the card then shows the call without the state."
        ),
    ] = False


class HttpAction(_Action, frozen=True, kw_only=True, tag="http"):
    """A declared HTTP call. It carries its execution id in `Idempotency-Key`."""

    method: Annotated[Literal["GET", "POST", "PUT", "PATCH", "DELETE"], Meta(description="The method.")]
    url: Annotated[Address, Meta(description="The address; placeholders are encoded into its path or query.")]
    headers: Annotated[dict[str, Setting | Secret], Meta(description="Headers; a secret is never shown.")] = {}
    body: Annotated[Body, Meta(description="Body as JSON; placeholders stand inside of its strings.")] = ""
    secrets: Annotated[
        dict[Id, Secret],
        Meta(description="Secrets for headers and body, there as `{secret.NAME}`, such as `Bearer {secret.token}`."),
    ] = {}
    statuses: Annotated[tuple[int, ...], Meta(description="Statuses that mean success.")] = (200, 201, 202, 204)
    capture: Annotated[dict[Id, Capture], Meta(description="Values for later steps.")] = {}
    via: Annotated[str, Meta(description="Bastion to go through; empty: straight.")] = ""


class ManualAction(_Action, frozen=True, kw_only=True, tag="manual"):
    """Something that a person does elsewhere and attests."""

    instructions: Annotated[Sentences, Meta(description="What to do, in sentences.", min_length=1)]
    link: Annotated[str, Meta(description="Address of where to do it.", pattern="^(https?://.*)?$")] = ""


class GateAction(_Action, frozen=True, kw_only=True, tag="gate"):
    """Goes on only when a condition holds."""

    check: Annotated[AnyCheck, Meta(description="The condition.")]


class WaitAction(_Action, frozen=True, kw_only=True, tag="wait"):
    """Lets time pass, visibly; may be cancelled, which stops the run."""

    lasts: Annotated[Duration, Meta(description="How long.")]


class NotifyAction(_Action, frozen=True, kw_only=True, tag="notify"):
    """Tells people."""

    message: Annotated[Sentences, Meta(description="What to say; may have placeholders.", min_length=1)]
    channel: Annotated[str, Meta(description="Through which channel; empty: the record alone.")] = ""


AnyUndo = CommandAction | ApiAction | HttpAction | ManualAction
"""What changes something, and so what can undo it."""

PlainAction = AnyUndo | GateAction | WaitAction | NotifyAction


class _Step(_Table, frozen=True, kw_only=True):
    """What all steps have."""

    id: Annotated[Id, Meta(description="Names it for conditions and captures.")]
    title: Annotated[Title, Meta(description="What it does, for people; may have placeholders.")]
    danger: Annotated[
        Literal["S", "C", "X"] | None,
        Meta(description="Safe, changes or destroys; needed by commands, API and HTTP calls and manual steps."),
    ] = None
    sec: Annotated[
        bool, Meta(description="Whether its output holds secrets: it is not shown, logged or recorded then.")
    ] = False
    timeout: Annotated[Duration, Meta(description="How long it may take; after that its outcome is unknown.")] = (
        Duration(600)
    )
    when: Annotated[
        dict[Id, Literal["succeeded", "failed", "skipped"]],
        Meta(description="Done only if these earlier steps ended so."),
    ] = {}
    on_failure: Annotated[Literal["stop", "continue"], Meta(description="Whether a failure ends the run.")] = "stop"
    confirm: Annotated[AnyCheck | None, Meta(description="What shows that it worked.")] = None
    undo: Annotated[
        Literal["none", "before"] | AnyUndo | None,
        Meta(
            description='How it is undone; "before": an ability puts back what was there; "none" needs `undo_reason`.'
        ),
    ] = None
    undo_reason: Annotated[str, Meta(description="Why it cannot be undone.")] = ""


class PlainStep(_Step, frozen=True, kw_only=True):
    """A step within an `each`."""

    do: Annotated[PlainAction, Meta(description="What is done.")]


class EachAction(_Action, frozen=True, kw_only=True, tag="each"):
    """Does its steps for one value after the other, and stops at the first that fails."""

    over: Annotated[Id, Meta(description="Parameter with `many = true`.")]
    variable: Annotated[Id, Meta(description="Name of the value in its steps.")]
    reverse: Annotated[bool, Meta(description="Whether to go from the last to the first.")] = False
    steps: Annotated[tuple[PlainStep, ...], Meta(description="What is done for each.", min_length=1)]


class Step(_Step, frozen=True, kw_only=True):
    """One step of a runbook. Steps are done in their order, one at a time."""

    do: Annotated[PlainAction | EachAction, Meta(description="What is done.")]


class Offer(_Table, frozen=True, kw_only=True):
    """Where `x` offers it. Patterns are shell patterns; what is left out matches everything."""

    alerts: Annotated[tuple[str, ...], Meta(description="Names of alerts.")] = ()
    services: Annotated[tuple[str, ...], Meta(description="Services.")] = ("*",)
    fills: Annotated[
        dict[Id, Literal["service", "resource", "revision", "previous", "services"]],
        Meta(description="Parameters that the selected row fills in."),
    ] = {}


class Runbook(_Table, frozen=True, kw_only=True):
    """A whole runbook."""

    version: Annotated[Literal[1], Meta(description="Version of this format.")]
    id: Annotated[Id, Meta(description="Names it on the command line and in the record.")]
    title: Annotated[Title, Meta(description="What it does, in a few words; may have placeholders.")]
    description: Annotated[Prose, Meta(description="When to use it, and what it is for.")] = ""
    source: Annotated[str, Meta(description="Where the procedure comes from.")] = ""
    systems: Annotated[tuple[Id, ...], Meta(description="Systems that it is for.", min_length=1)]
    environments: Annotated[tuple[Id, ...], Meta(description="Only in these; empty: in all.")] = ()
    target: Annotated[Title, Meta(description="What it acts on; one run at a time has it. May have placeholders.")]
    touches: Annotated[
        tuple[Name, ...],
        Meta(
            description="Resources that no other run may touch meanwhile, beside those of its `api` steps: "
            "what its commands change. A parameter with `many` stands for all of its values."
        ),
    ] = ()
    blast_radius: Annotated[Sentences, Meta(description="What may be hit, in a sentence; may have placeholders.")] = ""
    offer: Annotated[Offer, Meta(description="Where it is offered.")] = Offer()
    parameters: Annotated[dict[Id, AnyParameter], Meta(description="What is chosen before it is planned.")] = {}
    reads: Annotated[dict[Id, Read], Meta(description="What is read when it is planned.")] = {}
    steps: Annotated[tuple[Step, ...], Meta(description="What is done, in order.", min_length=1)]
