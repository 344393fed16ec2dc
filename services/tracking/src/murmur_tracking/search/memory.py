"""The index of the fake store: the reference meaning of every search."""

from collections.abc import Callable, Iterable

from murmur_search.errors import TokenRefused
from murmur_search.evaluate import Entity, evaluate, ordered
from murmur_search.paging import RunQuery, RunsPage
from murmur_search.schemas import RUNS
from murmur_search.words import text_of
from murmur_tracking.search.entries import (
    DATASET_CONTEXT,
    Answer,
    CountRuns,
    ExperimentChange,
    FindRuns,
    Keys,
    ListKeys,
    Question,
    RunChange,
    RunCount,
    RunRow,
    row_of,
)


class RunsInMemory:
    def __init__(self) -> None:
        self._rows: dict[str, RunRow] = {}

    def keep(self, entry: RunChange | ExperimentChange) -> None:
        if isinstance(entry, RunChange):
            self._rows[entry.after.run_id] = row_of(entry.after)

    def answer(self, question: Question) -> Answer:
        """Raises TokenRefused."""
        match question:
            case FindRuns(query):
                return self._page(query)
            case CountRuns(workspace):
                return self._counts(workspace)
            case ListKeys():
                return self._keys(question)

    def _counts(self, workspace: str) -> dict[str, RunCount]:
        began: dict[str, list[int]] = {}
        for row in self._rows.values():
            if row.workspace == workspace and row.lifecycle == "active":
                began.setdefault(row.experiment, []).append(row.started)
        return {experiment: RunCount(len(times), max(times)) for experiment, times in began.items()}

    def _keys(self, asked: ListKeys) -> Keys:
        rows = [
            row for row in self._rows.values() if (row.experiment, row.workspace) == (asked.experiment, asked.workspace)
        ]

        def names(of: Callable[[RunRow], Iterable[str]]) -> tuple[str, ...]:
            return tuple(sorted({name for row in rows for name in of(row)})[: asked.most])

        return Keys(
            params=names(lambda row: row.params),
            metrics=names(lambda row: row.metrics),
            tags=names(lambda row: row.tags),
        )

    def _page(self, query: RunQuery) -> RunsPage:
        rows = [
            row
            for row in self._rows.values()
            if row.workspace == query.workspace
            and row.experiment in query.experiments
            and query.lifecycle in (None, row.lifecycle)
        ]
        found = [entity for entity in map(entity_of, rows) if evaluate(query.filter, entity)]
        ids = [str(entity.attributes["run_id"]) for entity in ordered(found, query.orders, RUNS, lambda one: one)]
        first = _place(query.token)
        page = tuple(ids[first : first + query.limit])
        return RunsPage(page, str(first + query.limit) if first + query.limit < len(ids) else None)


def _place(token: str | None) -> int:
    if token and not token.isdecimal():
        raise TokenRefused(token, "it is not one of ours.")
    return int(token or 0)


def entity_of(row: RunRow) -> Entity:
    return Entity(
        attributes={
            "run_id": row.id,
            "run_name": row.name,
            "user_id": row.user,
            "status": row.status,
            "start_time": row.started,
            "end_time": row.ended,
            "artifact_uri": row.artifact_uri,
        },
        metrics={name: last[2] for name, last in row.metrics.items()},
        params=row.params,
        tags=row.tags,
        datasets=[
            {"name": one.name, "digest": one.digest, "context": one.tags.get(DATASET_CONTEXT)} for one in row.datasets
        ],
        words=text_of(row.name, row.note, row.tags),
    )
