"""The index of the fake store: the reference meaning of every search."""

from murmur_search.evaluate import Entity, evaluate, ordered
from murmur_search.paging import RunsPage
from murmur_search.schemas import RUNS
from murmur_search.words import text_of
from murmur_tracking.search.entries import DATASET_CONTEXT, ExperimentChange, FindRuns, RunChange, RunRow, row_of


class RunsInMemory:
    def __init__(self) -> None:
        self._rows: dict[str, RunRow] = {}

    def keep(self, entry: RunChange | ExperimentChange) -> None:
        if isinstance(entry, RunChange):
            self._rows[entry.after.run_id] = row_of(entry.after)

    def answer(self, question: FindRuns) -> RunsPage:
        query = question.query
        rows = [
            row
            for row in self._rows.values()
            if row.workspace == query.workspace
            and row.experiment in query.experiments
            and query.lifecycle in (None, row.lifecycle)
        ]
        found = [entity for entity in map(entity_of, rows) if evaluate(query.filter, entity)]
        ids = [str(entity.attributes["run_id"]) for entity in ordered(found, query.orders, RUNS, lambda one: one)]
        first = int(query.token or 0)
        page = tuple(ids[first : first + query.limit])
        return RunsPage(page, str(first + query.limit) if first + query.limit < len(ids) else None)


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
