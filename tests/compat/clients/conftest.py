"""Real MLflow clients against a server that runs: this folder is run by pytest in the environment of a client.

MURMUR_COMPAT_URI    the server, ours behind Envoy or a stock `mlflow server`
MURMUR_COMPAT_STOCK  set when it is a stock one: the tests marked `ours` are skipped
"""

import os
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.tracking.request_header.registry import _request_header_provider_registry
from rest import WORKSPACE, Rest

URI = os.environ.get("MURMUR_COMPAT_URI", "").rstrip("/")
STOCK = bool(os.environ.get("MURMUR_COMPAT_STOCK"))
CLIENT_3 = int(version("mlflow").partition(".")[0]) >= 3


class Workspace(RequestHeaderProvider):
    """Gives each request of the client the workspace of the test that runs, as a plugin of a team would."""

    name = "default"

    def in_context(self) -> bool:
        return True

    def request_headers(self) -> dict[str, str]:
        return {WORKSPACE: Workspace.name}


_request_header_provider_registry.register(Workspace)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    assert URI, "MURMUR_COMPAT_URI names no server: `make compat` sets it"
    for item in items:
        if STOCK and item.get_closest_marker("ours"):
            item.add_marker(pytest.mark.skip(reason="a stock server has it not"))
        if not CLIENT_3 and item.get_closest_marker("client_3"):
            item.add_marker(pytest.mark.skip(reason="the 2.22 client has it not"))


@pytest.fixture
def unique() -> str:
    """A name that no other test has: a stock server keeps everything in one place."""
    return uuid.uuid4().hex[:10]


@pytest.fixture(autouse=True)
def workspace(unique: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A workspace of the test's own, and a client that knows nothing of the test before."""
    monkeypatch.setattr(Workspace, "name", f"compat-{unique}")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(URI)
    mlflow.set_registry_uri(None)
    try:
        yield Workspace.name
    finally:
        while mlflow.active_run() is not None:
            mlflow.end_run()
        mlflow.tracking.fluent._active_experiment_id = None
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)  # set_experiment says it to processes to come


@pytest.fixture
def client() -> MlflowClient:
    return MlflowClient(URI)


@pytest.fixture
def rest(workspace: str) -> Iterator[Rest]:
    """The protocol itself, for what a client hides."""
    with requests.Session() as session:
        session.headers[WORKSPACE] = workspace
        yield Rest(URI, session)


@pytest.fixture
def experiment(client: MlflowClient, unique: str) -> str:
    """The id of an experiment of the test's own, which is also the active one."""
    made = client.create_experiment(f"compat {unique}")
    mlflow.set_experiment(experiment_id=made)
    return made


@pytest.fixture
def run(client: MlflowClient, experiment: str) -> str:
    """The id of a run that goes on."""
    started: str = client.create_run(experiment).info.run_id
    return started
