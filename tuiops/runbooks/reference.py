"""The page about runbooks, made from the model and a runbook that comes with the program.

`python -m tuiops.runbooks.reference` prints it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuiops.config import paths
from tuiops.config.reference import section
from tuiops.runbooks.format import model
from tuiops.runbooks.format.abilities import ABILITIES
from tuiops.runbooks.format.facts import ABLE, word_for
from tuiops.runbooks.format.load import load
from tuiops.runbooks.planning.resolve import Ground, Wanted, plan
from tuiops.runbooks.planning.text import plan_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS: tuple[tuple[str, type], ...] = (
    ("The runbook itself", model.Runbook),
    ("`[offer]`", model.Offer),
    ('`[parameters.NAME]` with `type = "text"`', model.TextParameter),
    ('`[parameters.NAME]` with `type = "enum"`', model.EnumParameter),
    ('`[parameters.NAME]` with `type = "integer"`', model.IntegerParameter),
    ('`[parameters.NAME]` with `type = "timestamp"`', model.TimestampParameter),
    ('`[parameters.NAME]` with `type = "listed"`', model.ListedParameter),
    ("`[reads.NAME]`", model.Read),
    ("`[[steps]]`", model.Step),
    ("`[[steps.do.steps]]` of an `each`", model.PlainStep),
    ('`do` and `undo` with `kind = "command"`', model.CommandAction),
    ('`do` and `undo` with `kind = "api"`', model.ApiAction),
    ('`do` and `undo` with `kind = "http"`', model.HttpAction),
    ('`do` and `undo` with `kind = "manual"`', model.ManualAction),
    ('`do` with `kind = "gate"`', model.GateAction),
    ('`do` with `kind = "wait"`', model.WaitAction),
    ('`do` with `kind = "notify"`', model.NotifyAction),
    ('`do` with `kind = "each"`', model.EachAction),
    ("`capture.NAME` of a command or a call", model.Capture),
    ('A condition with `by = "indicator"`', model.IndicatorCheck),
    ('A condition with `by = "promql"`', model.QueryCheck),
    ('A condition with `by = "http"`', model.HttpCheck),
    ('A condition with `by = "command"`', model.CommandCheck),
    ('A condition with `by = "rollout"`', model.RolloutCheck),
)
"""Every table of a runbook, in the order of the page; a test knows whether one is missing."""

_HEAD = """\
# Runbooks

A runbook is a procedure that is written down once, checked whole, planned, confirmed and recorded: one TOML file each.
[runbook.schema.json](runbook.schema.json) lets an editor complete and check it; begin a file with
`#:schema …/docs/runbook.schema.json`. The [examples](../examples) have the first ones of four systems.

They are in the folders that `[runbooks] folders` of the [configuration](configuration.md) names, and when it names
none, in `runbooks` beside each file of the configuration. Their ids are unique. `tuiops check` reads them as the
console does and prints every mistake with its file, its key and a remedy. A runbook that is wrong, or has blanks
(`"FILL IN: …"`) yet, is not offered; it keeps no other from use.

## An example

"""

_PLANNED = """\

With `service = api`, where `api:118` serves and `api:117` served before it, the plan says the following. Made on the
live system, it has the vendor's own command in the place of `roll_back api …`, and the state before and after.

"""

_RULES = """\

## How it goes

1. Parameters get their values, from the selected row, by choice out of what there is at that moment, or typed.
2. What `reads` names is read, every step gets its values, and abilities say what they would do: the plan. It is
   text of a fixed form with a digest, and it is the plan that is confirmed, approved and recorded.
3. When it is confirmed it is made once more. When anything has moved, nothing is done. What a bastion, a server or a
   resource is in the configuration is a part of it, and looked at again before every step and by every gate: a name
   that stands for something else by then stops the run.
4. Steps are done one at a time. The intent is on disk before a step acts, its outcome after. A run that was cut off
   shows the step as unknown; nothing is done a second time by itself. An ability acts on its resource only as that
   was confirmed, or as the last step of the run that acted on it left it; what commands and calls do to it counts
   only when the runbook names it in `touches`.
5. A failure stops the run, unless the step says `on_failure = "continue"`. What was done can be undone, last first, as
   its steps say how, unless somebody else has changed the resource since. An undo may meet a step that was done only in
   part: one that failed is undone too. An undo is confirmed, but is no plan that could be approved: what takes a
   second person is put back by a runbook of its own.

## Danger

| danger | means | confirmed by |
|---|---|---|
| `S` | only reads | choosing Run |
| `C` | changes, and can be taken back | choosing Run; Cancel has the focus |
| `X` | destroys: data, service, or the way back | typing the name of the environment; also to approve, resume, undo |

A runbook is as dangerous as its worst step. Commands, HTTP calls, abilities and manual steps say theirs; gates, waits
and notes are `S`. An `X` step says how it is undone, or `undo = "none"` with `undo_reason`. To undo a run after
which a later one has acted takes the name of the environment, too, whatever its danger.

## Placeholders

`{name}` stands for a parameter, for something read, or for the variable of an `each`; `{step.name}` for what an earlier
step captured. `{{` and `}}` are braces. A placeholder is one word or a part of one, however odd the value is:

| where | how a value is written |
|---|---|
| a word of `argv`, an argument, a variable, a header | as it is; no shell ever sees it |
| `url` | percent-encoded, behind the host only; a part of the path is never `.` or `..` |
| `body` | through the JSON encoder, inside of strings only; braces outside of strings are JSON's own |
| `query` | escaped, inside of label values only; with `=~` it matches nothing but itself; other braces are PromQL's |
| titles, messages, instructions | as text; a list with commas between |

What is captured is open until its step has ended, and is used only when it matches its own pattern. An ability whose
arguments are captured, or whose state is made by earlier steps (`late = true`), is read when its turn comes. What is
acted on (`resource`) is never captured: it is locked before the run begins.

`{secret.NAME}` stands in headers and in the body of an `http` step, for one of its `secrets`. No secret is in a plan,
in the record, on the screen or in `argv`; `sec = true` keeps the output of a step out of all of them as well.

## Values

Whatever the type: a value is one line of visible characters, at most 1,024 of them, without spaces at its ends, and
never begins with `-`. Lists have at most 64 values, none of them twice; `each` goes over letters, digits and `. _ -`.

| type | may be |
|---|---|
| `text` | what all of `pattern` matches, within 20 ms; `\\d` and `\\w` are ASCII's |
| `enum` | one of `options` |
| `integer` | ASCII digits without leading zeros, from `least` to `most` |
| `timestamp` | RFC 3339 with seconds and `Z` or an offset, not in the future unless `future` |
| `listed` | what there is at that moment: services, resources of a kind, revisions, backups, versions of a secret |

## What is refused

- placeholders that are not known where they stand, parameters and reads that are used nowhere, captures of later steps
- a placeholder as the first word of a command, in a host, in PromQL outside of a label value, in a key of JSON
- patterns that let parts of shell commands, climbing paths, wildcards or references to files pass: `$(id)`, `a;id`,
  `../a`, `a*`, `file:///a`, `@a`
- a shell with a command line (`sh -c`, `su -c`, `sudo -i`), `ssh` (write `via`), secrets as options, a value within a
  program's text (`psql -c "… {table}"`; a whole statement may be chosen by an `enum`) or in place of a program (`sudo
  {program}`, `bash {script}`)
- variables and headers whose names are those of secrets (`PGPASSWORD`, `GITHUB_PAT`, `X-Api-Key`) with a plain value,
  and any with an address that has a password in it; names that say where a secret is (`TOKEN_FILE`, `SECRET_NAME`)
  may have one
- `when` on later, unknown or repeated steps, and conditions that can never be
- steps that act without `danger`, abilities as `S`, `X` without an undo or a reason
- `sec` with `capture`, or a secret with `capture` and `via`; `each` over what is no list
- shares that do not add up to 100%, limits without the unit of what is measured
- systems, environments, resources, services, indicators, sources, bastions and channels that are not there, and
  abilities that a resource does not have
- `gcloud` without `--project`, with `--quiet`, `--set-env-vars` or `--clear-env-vars`; images without a digest;
  restores that do not name both instances; versions of secrets that may be `latest`; `redis-cli FLUSHALL`;
  `npm audit fix --force`
- `aws` and `gcloud` on this machine that do not say who they are (`--profile`, `--impersonate-service-account`, a
  variable), where `[credentials.NAME]` has a profile, a role or an account for the abilities of the same system
- the same within what runs it: behind `env`, `sudo`, `nohup`, `timeout`, `xargs`, `busybox`, `docker exec`, `kubectl
  exec` and the like, whatever their options

## Abilities

What an `api` step can do, what it wants to know, and which resources have it. Sources do it over the vendor's API; the
card shows the vendor's own command for it. `shares` are `revision=percent`, separated by commas, 100% together;
`moment` is a timestamp, and `lasts` a duration.

| ability | arguments | of |
|---|---|---|
"""

_KEYS = """
## All keys
"""


def text() -> str:
    """The page as it is checked in."""
    return "".join((
        _HEAD, "```toml\n", _example(), "```\n", _PLANNED, "```\n", _planned(), "```\n", _RULES, *_abilities(), _KEYS,
        *(line for heading, table in SECTIONS for line in section(heading, table)),
    ))  # fmt: skip


def _example() -> str:
    return (paths.share_dir() / "examples" / "pricealert" / "runbooks" / "rollback.toml").read_text(encoding="utf-8")


def _planned() -> str:
    """The plan of the example, without its digest."""
    ground = Ground(
        at=datetime(2026, 5, 1, tzinfo=UTC),
        system="pricealert",
        environment="production",
        production=True,
        read={Wanted("serving", "api"): "api:118", Wanted("previous", "api"): "api:117"},
    )
    kept = load(paths.share_dir() / "examples" / "pricealert" / "runbooks" / "rollback.toml")
    *lines, _, _ = plan_lines(plan(kept, {"service": ("api",)}, ground))
    return "".join(f"{line}\n" for line in lines)


def _abilities() -> Iterator[str]:
    for ability, wants in ABILITIES.items():
        arguments = [f"`{name}`" for name in wants.needed]
        arguments += [" or ".join(f"`{name}`" for name in wants.one_of)] if wants.one_of else []
        arguments += ["a secret `value`"] if wants.secret else []
        kinds = sorted(word_for(kind) for kind in ABLE.get(ability, ()))
        resources = ", ".join(f"`{kind}`" for kind in kinds) or "any resource in Google Cloud"
        yield f"| `{ability}` | {', '.join(arguments)} | {resources} |\n"


if __name__ == "__main__":
    sys.stdout.write(text())
