"""What is read of MLflow's JSON, and the digest by which it is recognised as unchanged."""

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

FROM = "murmur.imported.from"
DIGEST = "murmur.imported.digest"
EXPERIMENT = "murmur.imported.experiment"
INCOMPLETE = "murmur.import.incomplete"
"""As tracking names it, which sets it itself on runs and logged models."""

BEGUN = "it is being imported"
OURS = "murmur.import"
"""Tags that begin so tell of an import, and are not imported themselves."""

Value = tuple[int, int, float]
"""Time in ms since 1970, step, value."""

Place = tuple[str, int, int, str]
"""A point as it is compared: name, time, step, value in words, since NaN is not itself."""


@dataclass(frozen=True)
class File:
    """size: bytes, None where the server does not say."""

    path: str
    size: int | None


@dataclass(frozen=True)
class Measure:
    """A point that is of a logged model too."""

    model_id: str
    dataset_name: str | None
    dataset_digest: str | None


def number(said: Any) -> float:
    """A stock server keeps an infinity as the greatest number there is."""
    value = float(said)
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def words(value: float) -> float | str:
    """As JSON can say it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def place(name: str, value: Value) -> Place:
    return name, value[0], value[1], str(words(value[2]))


def point_of(metric: Mapping[str, Any]) -> Value:
    return int(metric["timestamp"]), int(metric.get("step") or 0), number(metric["value"])


def pairs(listed: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """A list of keys with values, without what tells of an import."""
    found = {str(one["key"]): str(one.get("value") or "") for one in listed or ()}
    return {key: value for key, value in found.items() if not key.startswith(OURS)}


def marks(listed: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """The tags that tell of an import."""
    return {str(one["key"]): str(one.get("value") or "") for one in listed or () if str(one["key"]).startswith(OURS)}


def listed(texts: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def digest_of(*parts: Any) -> str:
    """The same for what says the same, in whatever order its lists are."""
    text = json.dumps([_sorted(part) for part in parts], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def run_digest(run: Mapping[str, Any], measures: Sequence[Json]) -> str:
    info = {name: run["info"].get(name) for name in ("run_name", "user_id", "status", "start_time", "end_time")}
    stage = run["info"].get("lifecycle_stage")
    return digest_of(info, stage, run.get("data"), run.get("inputs"), run.get("outputs"), measures)


def _sorted(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _sorted(value) for name, value in part.items() if value not in (None, [], {})}
    if isinstance(part, list | tuple):
        return sorted((_sorted(one) for one in part), key=lambda one: json.dumps(one, sort_keys=True, default=str))
    return part
