"""The index in MongoDB: a document a run, in the shape that searches are made for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from murmur_kernel.store.mongo_engine import MongoEngine
from murmur_search.mongo import page_of, pipeline
from murmur_search.mongo_shape import INDEXES, WILDCARDS, run_document
from murmur_search.paging import RunsPage
from murmur_tracking.search.entries import ExperimentChange, FindRuns, RunChange, row_of
from murmur_tracking.search.memory import entity_of

_RUNS = "run_index"

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

    async def answer(self, engine: MongoEngine, question: FindRuns) -> RunsPage:
        """Raises TokenRefused."""
        return page_of(question.query, await engine.aggregate(_RUNS, pipeline(question.query)))
