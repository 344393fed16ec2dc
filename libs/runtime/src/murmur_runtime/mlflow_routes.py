"""MLflow's paths at the front door, where one MLFLOW_TRACKING_URI leads to tracking and registry; and shared runs.

Paths are passed on as they are, and so are headers: the client's token, its workspace.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TRACKING, REGISTRY = "tracking", "registry"

SLOWEST = "1800s"
"""How long nothing may move while a large artifact is put in its place: an object store copies 5 GB in minutes."""


@dataclass(frozen=True)
class Door:
    """unlimited: a request or an answer that takes as long as its bytes need."""

    service: str
    match: dict[str, Any]
    unlimited: bool = False


def _below(service: str, path: str, *, unlimited: bool = False) -> Door:
    """The path itself and all below it, but not what only begins alike."""
    return Door(service, {"path_separated_prefix": path}, unlimited)


def _exactly(service: str, path: str, *, unlimited: bool = False) -> Door:
    return Door(service, {"path": path}, unlimited)


def _doors() -> Iterable[Door]:
    """The first that fits is taken. MLflow's own pages ask below /ajax-api what its clients ask below /api."""
    for api in ("/api", "/ajax-api"):
        yield _below(REGISTRY, f"{api}/2.0/mlflow/registered-models")
        yield _below(REGISTRY, f"{api}/2.0/mlflow/model-versions")
        yield _below(TRACKING, f"{api}/2.0/mlflow-artifacts", unlimited=True)
        yield _below(TRACKING, f"{api}/2.0/mlflow")
        yield _below(TRACKING, f"{api}/3.0/mlflow")
    yield _exactly(TRACKING, "/get-artifact", unlimited=True)
    yield _exactly(TRACKING, "/model-versions/get-artifact")
    yield _exactly(TRACKING, "/health")
    yield _exactly(TRACKING, "/version")
    yield _below(TRACKING, "/shared")


DOORS = tuple(_doors())
