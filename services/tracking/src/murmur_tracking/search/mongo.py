"""The index in MongoDB: a document a run, in the shape that searches are made for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from murmur_kernel.store.mongo_engine import MongoEngine
from murmur_search.mongo import page_of, pipeline
from murmur_search.mongo_shape import INDEXES, WILDCARDS, run_document, unescape
from murmur_tracking.search.entries import (
    Answer,
    CountRuns,
    ExperimentChange,
    FindRuns,
    Keys,
    ListKeys,
    Question,
    RunChange,
    RunCount,
    row_of,
)
from murmur_tracking.search.memory import entity_of

_RUNS = "run_index"
_LOOKED_AT = 2_000
"""Runs whose names are listed."""

Orders = Sequence[Sequence[tuple[str, int]]]


class RunsInMongo:
    collections: ClassVar[Mapping[str, Orders]] = {_RUNS: INDEXES}
    optional: ClassVar[Mapping[str, Orders]] = {_RUNS: WILDCARDS}

    def records(self, entry: RunChange | ExperimentChange) -> Iterable[tuple[tuple[str, str], dict[str, Any] | None]]:
        if isinstance(entry, RunChange):
            row = row_of(entry.after)
            document = run_document(
                entity_of(row), experiment=row.experiment, workspace=row.workspace, lifecycle=row.lifecycle
            )
            yield (_RUNS, row.id), document

    async def answer(self, engine: MongoEngine, question: Question) -> Answer:
        """Raises TokenRefused."""
        match question:
            case FindRuns(query):
                return page_of(query, await engine.aggregate(_RUNS, pipeline(query)))
            case CountRuns():
                return await _counts(engine, question)
            case ListKeys():
                return await _keys(engine, question)


async def _counts(engine: MongoEngine, asked: CountRuns) -> dict[str, RunCount]:
    stages: list[dict[str, Any]] = [
        {"$match": {"workspace": asked.workspace, "lifecycle": "active"}},
        {"$group": {"_id": "$experiment", "runs": {"$sum": 1}, "last": {"$max": "$started"}}},
    ]
    return {one["_id"]: RunCount(one["runs"], one["last"]) for one in await engine.aggregate(_RUNS, stages)}


async def _keys(engine: MongoEngine, asked: ListKeys) -> Keys:
    """Of the newest runs: names are names of fields here, for which there is no index to jump in."""

    async def names(kind: str) -> tuple[str, ...]:
        stages: list[dict[str, Any]] = [
            {"$match": {"experiment": asked.experiment, "workspace": asked.workspace}},
            {"$sort": {"started": -1, "_id": 1}},
            {"$limit": _LOOKED_AT},
            {"$project": {"key": {"$map": {"input": {"$objectToArray": f"${kind}"}, "in": "$$this.k"}}}},
            {"$unwind": "$key"},
            {"$group": {"_id": "$key"}},
        ]
        found = sorted(unescape(one["_id"]) for one in await engine.aggregate(_RUNS, stages))
        return tuple(found[: asked.most])

    return Keys(params=await names("params"), metrics=await names("metrics"), tags=await names("tags"))
