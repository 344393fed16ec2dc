"""MLflow's own clients, each in an environment of its own, against the services behind Envoy, on both stores."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".bench" / "compat"
GIVEN = os.environ.get("MURMUR_COMPAT_URI", "")
"""A server that runs already, with MURMUR_COMPAT_STOCK a stock one: nothing is started then."""

pytestmark = [
    pytest.mark.flock,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.environ.get("MURMUR_TEST_PROFILE") != "compat", reason="`make compat` runs it"),
]


@pytest.fixture(scope="module", params=["given"] if GIVEN else ["sqlite", "mongodb"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a front door; behind it a flock of the test's own for each kind of store."""
    if GIVEN:
        yield GIVEN
        return
    store = request.getfixturevalue("mongodb") if request.param == "mongodb" else ""
    settings = FlockSettings(home=tmp_path_factory.mktemp("compat"), port=free_front_door(), store=store)
    asyncio.run(runtime.up(settings))
    try:
        yield settings.front_door
    finally:
        asyncio.run(runtime.down(settings))


@pytest.mark.parametrize("client", ["mlflow-2", "mlflow-3"])
def test_a_client_finds_what_it_expects(server: str, client: str) -> None:
    python = ENVIRONMENTS / client / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is missing: `make compat` makes it")

    done = subprocess.run(
        [python, "-m", "pytest", "--rootdir", ".", "--confcutdir", ".", "-c", "pytest.ini", "-q", "."],
        cwd=HERE / "clients",
        env={**client_environment(), "MURMUR_COMPAT_URI": server},
        capture_output=True,
        text=True,
        timeout=1700,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4000:]


def client_environment() -> dict[str, str]:
    """What a client is told beside the server: to say nothing home, and to give up soon, since nothing is far away."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MLFLOW_"))}
    return {
        **own,
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }
