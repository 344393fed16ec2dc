"""MLflow's search for runs, and the data sets that an experiment's runs have read."""

from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import Call, Endpoint
from murmur_mlflow.pages import page_size
from murmur_mlflow.refusals import BadValue
from murmur_search import RUNS, parse_filter, parse_order
from murmur_search.paging import RunQuery
from murmur_tracking import finding
from murmur_tracking.mlflow_api.experiments import experiment_of, view_of
from murmur_tracking.mlflow_api.shapes import Json, run_shape
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search.entries import DATASET_CONTEXT, row_of

_LARGEST_PAGE = 50_000
_MOST_EXPERIMENTS = 20
_LIFECYCLES = {False: "active", True: "deleted", None: None}


class SearchCalls:
    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(("POST",), "/runs/search", Role.VIEWER, self.search),
            Endpoint(("POST",), "/experiments/search-datasets", Role.VIEWER, self.datasets),
        )

    async def search(self, call: Call) -> Json:
        fields = call.fields
        if (fields.get("max_results") or 0) and fields.integer("max_results") > _LARGEST_PAGE:
            raise fields.wrong("max_results", fields.get("max_results"))
        limit = page_size(fields, default=1000, largest=_LARGEST_PAGE)
        view = view_of(fields, "run_view_type")
        wanted = parse_filter(fields.text("filter"), RUNS)
        orders = RUNS.complete(parse_order(fields.texts("order_by"), RUNS))
        of = [experiment_of(call, one).id for one in fields.texts("experiment_ids")]
        query = RunQuery(
            experiments=tuple(of),
            orders=orders,
            filter=wanted,
            workspace=call.workspace,
            lifecycle=_LIFECYCLES[view],
            limit=limit,
            token=fields.text("page_token") or None,
        )
        found = await self._service.read(finding.find_runs, query)
        runs = [run_shape(run, found.experiments.get(row_of(run).experiment)) for run in found.runs]
        more = {"next_page_token": found.next_token} if found.next_token else {}
        return {**({"runs": runs} if runs else {}), **more}

    async def datasets(self, call: Call) -> Json:
        said = call.fields.texts("experiment_ids")
        if not said:
            raise BadValue("SearchDatasets request must specify at least one experiment_id.")
        if len(said) > _MOST_EXPERIMENTS:
            raise BadValue(
                f"SearchDatasets request cannot specify more than {_MOST_EXPERIMENTS} experiment_ids. Received"
                f" {len(said)} experiment_ids."
            )
        query = RunQuery(
            experiments=tuple(experiment_of(call, one).id for one in said),
            orders=RUNS.complete(()),
            workspace=call.workspace,
        )
        found = await self._service.read(finding.find_runs, query)
        summaries = {
            (row.experiment, one.name, one.digest, one.tags.get(DATASET_CONTEXT)): None
            for row in map(row_of, found.runs)
            for one in row.datasets
        }
        return {
            "dataset_summaries": [
                {
                    "experiment_id": experiment,
                    "name": name,
                    "digest": digest,
                    **({} if context is None else {"context": context}),
                }
                for experiment, name, digest, context in summaries
            ][:1000]
        }
