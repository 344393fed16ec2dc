"""`murmur import mlflow` from a stock server, killed and done again: then both hold the same for MLflow's client."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from murmur_kernel.testing import eventually
from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".bench" / "compat"
QUIET = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
FLOCK = os.environ.get("MURMUR_COMPAT_URI", "")
"""One that runs already, and has imported nothing from a server at the same address; else one is raised."""

pytestmark = [
    pytest.mark.flock,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("MURMUR_TEST_PROFILE") != "compat", reason="`make compat` runs it"),
    pytest.mark.skipif(bool(os.environ.get("MURMUR_COMPAT_STOCK")), reason="a stock server takes no import"),
]


@pytest.fixture(scope="module")
def flock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if FLOCK:
        yield FLOCK
        return
    settings = FlockSettings(home=tmp_path_factory.mktemp("import"), port=free_front_door())
    asyncio.run(runtime.up(settings))
    try:
        yield settings.front_door
    finally:
        asyncio.run(runtime.down(settings))


@pytest.fixture(params=["mlflow-2", "mlflow-3"])
def stock(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a stock server with its own client's work on it, and the Python of that client."""
    bin = ENVIRONMENTS / request.param / "bin"
    if not (bin / "mlflow").exists():
        pytest.skip(f"{bin / 'mlflow'} is missing: `make compat` makes it")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    places = ("--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", f"{tmp_path}/files")
    server = subprocess.Popen(
        [bin / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *places],
        env={**os.environ, **QUIET, "PATH": f"{bin}:{os.environ['PATH']}"},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        asyncio.run(eventually(lambda: _answers(address), within=120))
        _python(bin, "fill.py", address)
        yield address, bin
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def test_a_stock_server_comes_over_whole_however_often_it_is_killed(
    flock: str, stock: tuple[str, Path], tmp_path: Path
) -> None:
    address, bin = stock
    workspace = bin.parent.name
    command = [Path(sys.executable).with_name("murmur"), "import", "mlflow", "--from", address, "--json"]
    command += ["--workspace", workspace]
    environment = {**os.environ, "MURMUR_HOME": str(tmp_path), "MURMUR_PORT": str(urlsplit(flock).port)}
    for seconds in (1.5, 2.0, 2.5, 3.0):  # time enough to begin, and not to end
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as importing:
            try:
                importing.wait(seconds)
            except subprocess.TimeoutExpired:
                importing.kill()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["left"] == []
    here, there = _python(bin, "look.py", flock, workspace), _python(bin, "look.py", address)
    told_here, told_there = _versions_of_models(here), _versions_of_models(there)
    assert all(version in told_here[model] for model, versions in told_there.items() for version in versions)
    assert here == there
    again = json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert all(told["taken"] == told["updated"] == 0 for told in again["kinds"].values()), again


def _versions_of_models(world: Any) -> dict[str, list[Any]]:
    """Which versions logged models say they are, taken out: here a copy of a version is one of its logged model, too,
    which the store of a stock server forgets."""
    models = world["logged models"]
    return {model: json.loads(told["tags"].pop("mlflow.modelVersions", "[]")) for model, told in models.items()}


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False


def _python(bin: Path, program: str, address: str, workspace: str = "") -> Any:
    """What the program prints, in the environment of the client."""
    done = subprocess.run(
        [bin / "python", HERE / "clients" / program, address],
        env={**os.environ, **QUIET, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MURMUR_COMPAT_WORKSPACE": workspace},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout) if program == "look.py" else None
