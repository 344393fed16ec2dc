"""MLflow's calls about the history of metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import PREFIXES, Call, Endpoint
from murmur_mlflow.pages import slice_page
from murmur_mlflow.refusals import BadValue, Refusal
from murmur_tracking import client_runs, views
from murmur_tracking.client_runs import RunOf
from murmur_tracking.domain import sampling
from murmur_tracking.mlflow_api.shapes import Json, metric_shape
from murmur_tracking.repository import TrackingUnitOfWork

_MOST_RUNS = 100
_MOST_POINTS = 25_000
_MOST_SAMPLES = 2500
AJAX = tuple(prefix for prefix in PREFIXES if prefix.startswith("/ajax-api"))

Value = tuple[int, int, float]
"""Time, step, value."""


@dataclass(frozen=True)
class HistoryOf:
    run: RunOf
    metric: str


class HistoryCalls:
    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        get = ("GET",)
        return (
            Endpoint(get, "/metrics/get-history", Role.VIEWER, self.history),
            Endpoint(get, "/metrics/get-history-bulk", Role.VIEWER, self.bulk),
            Endpoint(get, "/metrics/get-history-bulk-interval", Role.VIEWER, self.interval),
        )

    async def history(self, call: Call) -> Json:
        fields = call.fields
        run_id = fields.text("run_id") or fields.text("run_uuid")
        if not run_id:
            raise fields.missing("run_id")
        key, limit = fields.required("metric_key"), fields.integer("max_results", -1)
        if fields.get("max_results") is not None and limit <= 0:
            raise BadValue(
                f"Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer."
            )
        try:
            points = await self._of(call, run_id, key)
        except Refusal:
            return {}
        page, more = slice_page(points, limit if limit > 0 else max(len(points), 1), fields.text("page_token"))
        metrics = [metric_shape(key, step, time, value) for time, step, value in page]
        return {**({"metrics": metrics} if metrics else {}), **more}

    async def bulk(self, call: Call) -> Json:
        fields = call.fields
        runs, key = fields.texts("run_id"), fields.text("metric_key")
        if not runs:
            raise BadValue("GetMetricHistoryBulk request must specify at least one run_id.")
        if len(runs) > _MOST_RUNS:
            raise BadValue(
                f"GetMetricHistoryBulk request cannot specify more than {_MOST_RUNS} run_ids. Received {len(runs)}"
                f" run_ids."
            )
        if not key:
            raise BadValue("GetMetricHistoryBulk request must specify a metric_key.")
        limit = min(fields.integer("max_results", _MOST_POINTS), _MOST_POINTS)
        metrics: list[Json] = []
        for run_id in sorted(set(runs)):
            try:
                points = await self._of(call, run_id, key)
            except Refusal:
                continue
            metrics += [metric_shape(key, step, time, value, run_id=run_id) for time, step, value in points]
        return {"metrics": metrics[:limit]}

    async def interval(self, call: Call) -> Json:
        """Samples of the metric's steps over all the runs, and the first and last step of each."""
        fields = call.fields
        runs, key = fields.texts("run_ids"), fields.required("metric_key")
        if not runs:
            raise fields.missing("run_ids")
        if len(runs) > _MOST_RUNS:
            raise BadValue(
                f"GetMetricHistoryBulkInterval request must specify at most {_MOST_RUNS} run_ids. Received {len(runs)}"
                f" run_ids."
            )
        wanted = self._range(call)
        most = fields.integer("max_results", _MOST_SAMPLES)
        if not 1 <= most <= _MOST_SAMPLES:
            raise BadValue(f"max_results must be between 1 and {_MOST_SAMPLES}.")
        histories = {run_id: await self._of(call, run_id, key) for run_id in dict.fromkeys(runs)}
        steps = sampling.steps([[point[1] for point in points] for points in histories.values()], wanted, most)
        return {
            "metrics": [
                metric_shape(key, step, time, value, run_id=run_id)
                for run_id, points in histories.items()
                for time, step, value in _sampled(points, steps)
            ]
        }

    def _range(self, call: Call) -> tuple[int, int] | None:
        said = [call.fields.get(name) is not None for name in ("start_step", "end_step")]
        if not any(said):
            return None
        if not all(said):
            raise BadValue("If either start step or end step are specified, both must be specified.")
        first, last = call.fields.integer("start_step"), call.fields.integer("end_step")
        if first > last:
            raise BadValue(f"end_step must be greater than start_step. Found start_step={first} and end_step={last}.")
        return first, last

    async def _of(self, call: Call, run_id: str, key: str) -> list[Value]:
        return await self._service.read(_history_of, HistoryOf(RunOf(call.workspace, run_id), key))


async def _history_of(query: HistoryOf, uow: TrackingUnitOfWork) -> list[Value]:
    """By time, step and value; the same point logged twice stands once. Raises NoSuchThing."""
    run = await client_runs.require(query.run, uow)
    found = await views.all_points(run, query.metric, uow)
    return sorted({(time, step, value) for _, step, time, value in found}, key=_order)


def _order(point: Value) -> tuple[int, int, bool, float]:
    """NaN before all numbers: it compares with none."""
    time, step, value = point
    is_number = value == value  # NaN is not itself
    return time, step, is_number, value if is_number else 0.0


def _sampled(points: Sequence[Value], steps: frozenset[int]) -> list[Value]:
    found = [point for point in points if point[1] in steps]
    return sorted(found, key=lambda point: (point[1], *_order(point)))[:_MOST_POINTS]
