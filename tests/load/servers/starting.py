"""Each server as a process on the first core, asked for readiness with the request that it will be measured with."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from murmur_access import BrokerAccess
from murmur_serving.config import REFERENCE_FILE, Ports, ReplicaConfig, write_replica
from servers.model import BenchModel

HERE = Path(__file__).parent
PEERS = Path(".bench/serving").absolute()
CORE = "0"


@dataclass
class Server:
    """request: JSON body of one row. outputs_of: the numbers in its answer."""

    name: str
    url: str
    request: dict[str, Any]
    outputs_of: Callable[[Any], list[float]]
    process: subprocess.Popen[bytes]
    log: Path
    grpc_port: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    def until_right(self, expected: float) -> None:
        """Raises AssertionError when it does not answer, or otherwise than XGBoost."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                answer = httpx.post(self.url, json=self.request, timeout=5)
                if answer.status_code == 200:
                    (given,) = self.outputs_of(answer.json())
                    assert abs(given - expected) < 1e-5, (self.name, given, expected)
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"{self.name} does not answer: {self.log.read_text()[-2000:]}")

    def end(self) -> None:
        """With all that it has started."""
        started = [self.process.pid]
        with contextlib.suppress(psutil.NoSuchProcess):
            started += [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(
    command: list[str], log: Path, *, cwd: Path | None = None, core: str = CORE, **environment: str
) -> subprocess.Popen[bytes]:
    """With what belongs to a peer's own environment on its PATH, and nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    kept |= {"OMP_NUM_THREADS": "1", **environment}
    pinned = ["taskset", "-c", core, *command]
    with log.open("wb") as output:  # a session of its own: BentoML asks its terminal, which would stop us all
        return subprocess.Popen(
            pinned,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=kept,
            cwd=cwd,
            start_new_session=True,
        )


def v2(model: BenchModel) -> dict[str, Any]:
    row = model.rows[0].tolist()
    return {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}]}


def ours(
    model: BenchModel, home: Path, *, logged: float, brokers: str | None = None, name: str = "ours", core: str = CORE
) -> Server:
    http, grpc = free_port(), free_port()
    directory = home / f"{name.replace(' ', '-')}"
    config = ReplicaConfig(
        deployment="fraud",
        replica=directory.name,
        model="fraud",
        version=1,
        sha256=model.sha256,
        signature=model.signature,
        log_directory=home / f"{directory.name}-predictions",
        brokers=BrokerAccess(brokers=brokers) if brokers else None,
        logged=logged,
    )
    write_replica(directory, config, Ports(http=http, grpc=grpc))
    model.write(directory / config.model_file)
    model.write_reference(directory / REFERENCE_FILE)
    log = home / f"{directory.name}.log"
    process = start([sys.executable, "-m", "murmur_serving", str(directory)], log, core=core)
    url = f"http://127.0.0.1:{http}/v2/models/fraud/infer"
    return Server(name, url, v2(model), lambda answer: answer["outputs"][0]["data"], process, log, grpc)


def stock(model: BenchModel, home: Path) -> Server:
    """MLServer and mlserver-xgboost with their defaults, but for one process and ports of its own."""
    http, grpc, directory = free_port(), free_port(), home / "stock"
    directory.mkdir()
    model.write(directory / "model.ubj")
    settings = {"http_port": http, "grpc_port": grpc, "metrics_port": free_port(), "parallel_workers": 0}
    (directory / "settings.json").write_text(json.dumps({"host": "127.0.0.1", **settings}))
    described = {"name": "fraud", "implementation": "mlserver_xgboost.XGBoostModel"}
    parameters = {"uri": "./model.ubj", "version": "1"}
    (directory / "model-settings.json").write_text(json.dumps({**described, "parameters": parameters}))
    process = start([str(PEERS / "mlserver/bin/mlserver"), "start", "."], home / "stock.log", cwd=directory)
    url = f"http://127.0.0.1:{http}/v2/models/fraud/infer"
    read = lambda answer: answer["outputs"][0]["data"]  # noqa: E731
    return Server("stock MLServer", url, v2(model), read, process, home / "stock.log", grpc)


def bentoml(model: BenchModel, home: Path) -> Server:
    port, log = free_port(), home / "bentoml.log"
    command = [str(PEERS / "bentoml/bin/bentoml"), "serve", "bentoml_peer:Fraud", "--host", "127.0.0.1", "--port"]
    environment = {"MODEL": str(model.write(home / "model.ubj")), "BENTOML_DO_NOT_TRACK": "True"}
    process = start([*command, str(port)], log, cwd=HERE, BENTOML_HOME=str(home / "bento"), **environment)
    request = {"rows": [model.rows[0].tolist()]}
    return Server("BentoML", f"http://127.0.0.1:{port}/predict", request, lambda answer: answer, process, log)


def mlflow(model: BenchModel, home: Path) -> Server:
    port, log, python = free_port(), home / "mlflow.log", PEERS / "mlflow/bin/python"
    environment = {**os.environ, "MODEL": str(model.write(home / "model.ubj"))}
    kept = str(home / "mlflow")
    subprocess.run([python, HERE / "mlflow_peer.py", kept], env=environment, check=True, capture_output=True)
    command = [str(PEERS / "mlflow/bin/mlflow"), "models", "serve", "--env-manager", "local", "--model-uri", kept]
    path = f"{PEERS / 'mlflow/bin'}:{os.environ['PATH']}"
    process = start([*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"], log, PATH=path)
    request = {"dataframe_split": {"columns": model.names, "data": [model.rows[0].tolist()]}}
    url = f"http://127.0.0.1:{port}/invocations"
    return Server("mlflow models serve", url, request, lambda answer: answer["predictions"], process, log)


def fastapi(model: BenchModel, home: Path) -> Server:
    port, log = free_port(), home / "fastapi.log"
    command = [str(PEERS / "fastapi/bin/uvicorn"), "fastapi_peer:app", "--no-access-log", "--log-level", "warning"]
    environment = {"MODEL": str(model.write(home / "model.ubj"))}
    process = start([*command, "--port", str(port)], log, cwd=HERE, **environment)
    request = {"rows": [model.rows[0].tolist()]}
    return Server(
        "FastAPI by hand", f"http://127.0.0.1:{port}/predict", request, lambda one: one["outputs"], process, log
    )
