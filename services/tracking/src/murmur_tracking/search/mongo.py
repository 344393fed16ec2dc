"""The index in MongoDB."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from murmur_kernel.store.mongo_engine import MongoEngine
from murmur_search.paging import RunsPage
from murmur_tracking.search.entries import ExperimentChange, FindRuns, RunChange


class RunsInMongo:
    collections: Mapping[str, Sequence[Sequence[tuple[str, int]]]] = {}

    def records(self, entry: RunChange | ExperimentChange) -> Iterable[tuple[tuple[str, str], dict[str, Any] | None]]:
        raise NotImplementedError

    async def answer(self, engine: MongoEngine, question: FindRuns) -> RunsPage:
        raise NotImplementedError
