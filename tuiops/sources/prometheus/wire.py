"""What the HTTP API of Prometheus answers, as types; unknown fields are ignored, wrong types refused.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from tuiops.core.text import SafeText, safe
from tuiops.errors import BadAnswer

_T = TypeVar("_T")

MAX_WARNINGS = 5
"""Warnings kept of one answer; the rest are counted."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|Inf)|NaN", re.ASCII)

Sample = tuple[float, str]
"""Seconds since the epoch, and the value as text, because JSON has no NaN."""

AwareTime = Annotated[datetime, Meta(tz=True)]


class Envelope(msgspec.Struct, Generic[_T], frozen=True):
    """What every answer comes in."""

    data: _T
    warnings: list[str] | None = None
    infos: list[str] | None = None
    isPartial: bool = False  # noqa: N815 # VictoriaMetrics' own

    def remarks(self) -> list[SafeText]:
        """What the server itself says about the completeness of its answer."""
        said = [*(self.warnings or ()), *(self.infos or ())]
        found = [safe(text) for text in said[:MAX_WARNINGS]]
        if len(said) > MAX_WARNINGS:
            found.append(safe(f"and {len(said) - MAX_WARNINGS} more warnings"))
        if self.isPartial:
            found.append(safe("partial answer: a part of the storage did not reply"))
        return found


class InstantSeries(msgspec.Struct, gc=False, frozen=True):
    """One series at one time. `value` is missing in native histograms."""

    metric: dict[str, str]
    value: Sample | None = None


class RangeSeries(msgspec.Struct, gc=False, frozen=True):
    """One series over a range."""

    metric: dict[str, str]
    values: list[Sample] = []


class Vector(msgspec.Struct, frozen=True, tag_field="resultType", tag="vector"):
    result: list[InstantSeries]


class Scalar(msgspec.Struct, frozen=True, tag_field="resultType", tag="scalar"):
    result: Sample


class Matrix(msgspec.Struct, frozen=True, tag_field="resultType", tag="matrix"):
    result: list[RangeSeries]


class String(msgspec.Struct, frozen=True, tag_field="resultType", tag="string"):
    result: Sample


InstantAnswer = Envelope[Vector | Scalar | Matrix | String]
RangeAnswer = Envelope[Matrix]


class Target(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """A scrape target."""

    labels: dict[str, str]
    health: str
    last_error: str = ""


class Targets(msgspec.Struct, frozen=True, rename="camel"):
    active_targets: list[Target] = []


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    health: str = "ok"
    last_error: str = ""


class RuleGroup(msgspec.Struct, frozen=True):
    name: str
    rules: list[Rule] = []


class RuleGroups(msgspec.Struct, frozen=True):
    groups: list[RuleGroup] = []


class NativeAlert(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """An alert of a rule."""

    labels: dict[str, str]
    state: str
    active_at: AwareTime
    annotations: dict[str, str] = {}


class NativeAlerts(msgspec.Struct, frozen=True):
    alerts: list[NativeAlert] = []


class ServerConfig(msgspec.Struct, frozen=True):
    yaml: str


TargetsAnswer = Envelope[Targets]
RulesAnswer = Envelope[RuleGroups]
AlertsAnswer = Envelope[NativeAlerts]
ConfigAnswer = Envelope[ServerConfig]


def vector(answer: InstantAnswer) -> list[InstantSeries]:
    """The series of an instant query; a scalar is a series without labels."""
    match answer.data:
        case Vector(result):
            return result
        case Scalar(result):
            return [InstantSeries({}, result)]
        case Matrix():
            raise BadAnswer("the query yields ranges, not values; remove the [range] at its end")
        case String():
            raise BadAnswer("the query yields text, not values")


def number(text: str) -> float:
    """A sample's value. Stricter than `float`, which takes `1_000` and Arabic digits."""
    if _NUMBER.fullmatch(text) is None:
        raise BadAnswer(f"{safe(text, 40)!r} is not the value of a sample")
    return float(text)
