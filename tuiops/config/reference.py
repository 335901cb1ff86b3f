"""The reference of all settings, made from the model; `python -m tuiops.config.reference` prints it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from msgspec import inspect

from tuiops.config import clouds, credentials, logs, model, resources, sources, systems, values
from tuiops.config.convert import description
from tuiops.config.overrides import CONFIG_VARIABLE, OPTIONS, VARIABLES
from tuiops.config.schema import written

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS: tuple[tuple[str, type], ...] = (
    ("Top level", model.Config),
    ("`[environments.NAME]`", model.EnvironmentConfig),
    ("`[display]`", model.Display),
    ("`[keys]`", model.Keys),
    ("`[logs]`", model.Logs),
    ("`[wallboard]`", model.Wallboard),
    ("`[runbooks]`", model.Runbooks),
    ("`[ledger]`", model.LedgerConfig),
    ("`[people.NAME]`", model.Person),
    ("`[[permissions]]`", model.Permission),
    ("`[bastions.NAME]`", sources.Bastion),
    ('`[credentials.NAME]` with `type = "google"`', credentials.GoogleCredentials),
    ('`[credentials.NAME]` with `type = "aws"`', credentials.AwsCredentials),
    ('`[sources.NAME]` with `type = "prometheus"`', sources.PrometheusConfig),
    ('`[sources.NAME]` with `type = "alertmanager"`', sources.AlertmanagerConfig),
    ('`[sources.NAME]` with `type = "gcp"`', clouds.GcpConfig),
    ('`[sources.NAME]` with `type = "aws"`', clouds.AwsConfig),
    ('`[sources.NAME]` with `type = "elasticsearch"`', clouds.ElasticsearchConfig),
    ('`[sources.NAME]` with `type = "loki"`', clouds.LokiConfig),
    ('`[sources.NAME]` with `type = "host"`', sources.HostConfig),
    ('`[sources.NAME]` with `type = "simulation"`', sources.SimulationConfig),
    ("`tls` of a source", sources.Tls),
    ("`basic` of a source", sources.Basic),
    ("A secret", values.Secret),
    ("`[systems.NAME]`", systems.System),
    ("`[systems.NAME.alerts.NAME]`", systems.AlertRule),
    ("`[systems.NAME.services.NAME]`", systems.Service),
    ('`[systems.NAME.indicators.NAME]` with `kind = "ratio"`', systems.RatioIndicator),
    ('`[systems.NAME.indicators.NAME]` with `kind = "latency"`', systems.LatencyIndicator),
    ('`[systems.NAME.indicators.NAME]` with `kind = "gauge"`', systems.GaugeIndicator),
    ('`[systems.NAME.indicators.NAME]` with `kind = "cloudwatch"`', systems.CloudWatchIndicator),
    ('`[systems.NAME.probes.NAME]` with `kind = "http"`', systems.HttpProbe),
    ('`[systems.NAME.probes.NAME]` with `kind = "tcp"`', systems.TcpProbe),
    ('`[systems.NAME.probes.NAME]` with `kind = "tls"`', systems.TlsProbe),
    ('`[systems.NAME.probes.NAME]` with `kind = "redis"`', systems.RedisProbe),
    ('`[systems.NAME.probes.NAME]` with `kind = "dns"`', systems.DnsProbe),
    ('`[systems.NAME.resources.NAME]` with `kind = "cloud_run"`', resources.CloudRunResource),
    ("`expect` of a Cloud Run service", resources.RunExpectation),
    ('`[systems.NAME.resources.NAME]` with `kind = "cloud_sql"`', resources.CloudSqlResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "memorystore"`', resources.MemorystoreResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "secret"`', resources.SecretResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "firebase_hosting"`', resources.HostingResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "uptime_check"`', resources.UptimeResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "ecs"`', resources.EcsResource),
    ("`expect` of an ECS service", resources.EcsExpectation),
    ('`[systems.NAME.resources.NAME]` with `kind = "rds"`', resources.RdsResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "elasticache"`', resources.ElastiCacheResource),
    ('`[systems.NAME.resources.NAME]` with `kind = "secrets_manager"`', resources.SecretsManagerResource),
    ('`[systems.NAME.logs.NAME]` with `kind = "file"`', logs.FileLog),
    ('`[systems.NAME.logs.NAME]` with `kind = "journal"`', logs.JournalLog),
    ('`[systems.NAME.logs.NAME]` with `kind = "cloud_logging"`', logs.CloudLog),
    ('`[systems.NAME.logs.NAME]` with `kind = "cloudwatch_logs"`', logs.CloudWatchLog),
    ('`[systems.NAME.logs.NAME]` with `kind = "elasticsearch"`', logs.ElasticsearchLog),
    ('`[systems.NAME.logs.NAME]` with `kind = "loki"`', logs.LokiLog),
)
"""Every table of a file, in the order of the reference; a test knows whether one is missing."""

_HEAD = """\
# Configuration

One TOML file says what is watched: `tuiops config paths` shows where it is looked for, `--config FILE` or
`TUIOPS_CONFIG` name another one. Without a file, `tuiops` watches the machine that it runs on.
[config.example.toml](../config.example.toml) is a complete file with comments, and
[config.schema.json](config.schema.json) lets an editor complete and check yours.

`tuiops check [FILE]` reads a file as the console does and prints every mistake with its file, its key and a remedy.
While the console runs, it reads its files again whenever they change. When a change is wrong, it says so and keeps
the last configuration that was right. A table whose changes count only at the next start says so.

## Which value counts

An option of the command line counts before an environment variable, that before the file, that before the default.

| setting | environment variable | option |
|---|---|---|
"""

_VALUES = """\
## How values are written

- A **duration** is text with a unit: `500ms`, `15s`, `5m`, `1h30m`, `30d`.
- A **size** is text with a unit: `512KB` (thousands), `64MB`, `2GiB` (powers of 1024).
- A **limit** is text with a comparison, a number and the unit of what is compared: `> 1%`, `>= 500ms`, `< 20`.
  A service is degraded or down when the comparison holds. `down` must be worse than `degraded`.
- A **name** (of a source, a system, a service …) has lowercase letters, digits, `-` and `_`.
- A **path** may begin with `~`. One that is relative begins at the folder of the file that names it.
- An **empty text** takes back a default, where leaving the setting out would keep it: `degraded = ""`.

## Blanks

A text `"FILL IN: what belongs here"` in the place of any value is a blank: something that only the owner of an
installation knows. `tuiops check` lists the blanks of a file after its mistakes, and nothing starts before they are
filled in. The [examples](../examples) are written so.

```toml
project = "FILL IN: the Google Cloud project"
```

## More than one file

`include = ["systems/*.toml"]` reads further files and puts their tables beside those of this one. Globs are read in
alphabetical order and may match nothing. No key may be given twice, wherever it stands; the mistake names both files.

## Secrets

No setting holds a secret. It names a place: an environment variable, a file that only its owner can read (or one of
root's that a group can read), or a command that prints it within ten seconds. No shell is involved.

```toml
bearer = { env = "PROMETHEUS_TOKEN" }
bearer = { file = "~/.config/tuiops/token" }
bearer = { command = ["pass", "show", "prometheus"] }
```

## All settings
"""


def text() -> str:
    """The reference as it is checked in."""
    return "".join((_HEAD, *_overrides(), "\n", _VALUES, *(line for part in SECTIONS for line in section(*part))))


def _overrides() -> Iterator[str]:
    options = {path: option for option, path in OPTIONS.items()}
    yield f"| the file itself | `{CONFIG_VARIABLE}` | `--config` |\n"
    for variable, (path, _) in VARIABLES.items():
        option = f"`{options[path]}`" if path in options else ""
        yield f"| `{'.'.join(path)}` | `{variable}` | {option} |\n"


def section(heading: str, table: type) -> Iterator[str]:
    """A heading, what the table is, and a line for each of its keys."""
    node = inspect.type_info(table)
    if not isinstance(node, inspect.StructType):
        raise TypeError(f"{table} is not a table")
    yield f"\n### {heading}\n\n{(table.__doc__ or '').strip()}\n\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|\n"
    if node.tag_field:
        yield f'| `{node.tag_field}` | string | required | `"{node.tag}"` |\n'
    for field in node.fields:
        meaning = description(field.type).replace("|", "\\|")
        yield f"| `{field.encode_name}` | {type_word(field.type)} | {_default(field)} | {meaning} |\n"


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    default = written(field.default)
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"


def type_word(node: inspect.Type) -> str:
    """What a field holds, in a reader's words."""
    word = _WORDS.get(type(node), "table")
    match node:
        case inspect.Metadata():
            word = type_word(node.type)
        case inspect.UnionType():
            words = [type_word(each) for each in node.types if not isinstance(each, inspect.NoneType)]
            # A union of tables is one of them by its key; a word or a text may stand in place of a table.
            word = " or ".join(dict.fromkeys(words))
        case inspect.CustomType():
            word = node.cls.__name__.lower()
        case inspect.LiteralType():
            word = " ".join(f"`{each}`" for each in sorted(str(value) for value in node.values))
        case inspect.VarTupleType():
            word = f"array of {_several(node.item_type)}"
        case inspect.DictType():
            word = f"table of {_several(node.value_type)}"
        case inspect.StructType() if node.cls is values.Secret:
            word = "secret"
    return word


def _several(node: inspect.Type) -> str:
    word = type_word(node)
    return word if word.endswith("`") else f"{word}s"


_WORDS = {
    inspect.StrType: "string", inspect.BoolType: "boolean", inspect.IntType: "integer", inspect.FloatType: "number",
}  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(text())
