"""The shape of a run's document that searches are made for.

    {_id: "<run id>", workspace, experiment: "<id>", lifecycle, name, user, status, started, ended, artifact_uri,
     metrics: {"<key>": {v: 0.9, n: 0}}, params: {"<key>": "0.1"}, tags: {"<key>": "x"},
     datasets: [{name, digest, context}], words: ["distinct", "words"]}

Keys are names of fields and not values in an array, so that one wildcard index serves them all, also for the order. NaN
is kept as 0 with n = 1, since stores differ in where they sort it.
"""

import math
from collections.abc import Mapping
from typing import Any

from murmur_search.evaluate import Entity
from murmur_search.nodes import Field, Kind
from murmur_search.sqlite_schema import RUN_COLUMNS

Document = dict[str, Any]

INDEXES: tuple[tuple[tuple[str, int], ...], ...] = (
    (("experiment", 1), ("started", -1), ("_id", 1)),
    (("experiment", 1), ("words", 1)),
    (("experiment", 1), ("datasets.name", 1)),
    (("experiment", 1), ("status", 1), ("started", -1), ("_id", 1)),
)
WILDCARDS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("experiment", 1), ("metrics.$**", 1)),
    (("experiment", 1), ("params.$**", 1)),
    (("experiment", 1), ("tags.$**", 1)),
)
"""Compound wildcard indexes: for MongoDB 7 and later."""

ATTRIBUTES = {**RUN_COLUMNS, "run_id": "_id"}


def escape(key: str) -> str:
    """As a name of a field: no dot, no dollar. Distinct keys stay distinct."""
    return key.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def unescape(name: str) -> str:
    return name.replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def metric(value: float) -> Document:
    return {"v": 0.0, "n": 1} if math.isnan(value) else {"v": float(value), "n": 0}


def run_document(entity: Entity, *, experiment: str, workspace: str, lifecycle: str) -> Document:
    """What search needs of a run; a document may hold more."""

    def escaped(texts: Mapping[str, str]) -> Document:
        return {escape(key): text for key, text in texts.items()}

    return {
        **{ATTRIBUTES[name]: value for name, value in entity.attributes.items()},
        "workspace": workspace,
        "experiment": experiment,
        "lifecycle": lifecycle,
        "metrics": {escape(key): metric(value) for key, value in entity.metrics.items()},
        "params": escaped(entity.params),
        "tags": escaped(entity.tags),
        "datasets": [dict(one) for one in entity.datasets],
        "words": sorted(entity.words),
    }


def path(of: Field) -> str:
    """Where the value of a field is. Of a data set: within an element of `datasets`."""
    match of.kind:
        case Kind.ATTRIBUTE:
            return ATTRIBUTES[of.key]
        case Kind.DATASET:
            return of.key
        case Kind.METRIC:
            return f"metrics.{escape(of.key)}.v"
        case _:
            return f"{of.kind.value}.{escape(of.key)}"


def nan_path(of: Field) -> str:
    return f"metrics.{escape(of.key)}.n"
