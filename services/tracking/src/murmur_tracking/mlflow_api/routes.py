"""Everything that tracking answers of MLflow's protocol, on one screen."""

from starlette.routing import BaseRoute

from murmur_kernel.service import Service
from murmur_mlflow.door import Door
from murmur_tracking.mlflow_api.artifacts import Shelf
from murmur_tracking.mlflow_api.errors import ERRORS
from murmur_tracking.mlflow_api.experiments import ExperimentCalls
from murmur_tracking.mlflow_api.history import HistoryCalls
from murmur_tracking.mlflow_api.listing import ListingCalls
from murmur_tracking.mlflow_api.logged_models import LoggedModelCalls
from murmur_tracking.mlflow_api.model_search import ModelSearchCalls
from murmur_tracking.mlflow_api.runs import RunCalls
from murmur_tracking.mlflow_api.search import SearchCalls
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import TrackingUnitOfWork


def mlflow_routes(service: Service[TrackingUnitOfWork], shelf: Shelf, naming: Workspaces) -> list[BaseRoute]:
    calls = (
        RunCalls(service),
        ExperimentCalls(service),
        SearchCalls(service),
        HistoryCalls(service),
        ListingCalls(service, shelf),
        LoggedModelCalls(service),
        ModelSearchCalls(service),
    )
    return [*Door(naming.of, ERRORS).routes([endpoint for one in calls for endpoint in one.endpoints])]
