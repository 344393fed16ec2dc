"""What a real model server answers to a batch, and the fake too."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import xgboost

from murmur_access import Role, TokenFile
from murmur_deployer.batches.chunks import ChunkScorer, Manners
from murmur_deployer.batches.ports import Matrix, ReplicaAway, RowsRefused, Scorer
from murmur_deployer.batches.replica import LocalScorer
from murmur_deployer.batches.testing import FakeScorer, parquet_bytes
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.routing import Route, RoutingTable
from murmur_deployer.envoy import config
from murmur_deployer.local.servers import LocalModelServers
from murmur_deployer.testing import version_state
from murmur_deployer.turns import Turns
from murmur_events.values import ColumnSpec, Signature
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import eventually
from murmur_runtime.ports import free_front_door
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER, Ports, ReplicaConfig, write_replica
from murmur_serving.predictionlog import LoggedRow, rows_below

COLUMNS = ("a", "kind")
REAL = pytest.param("real", marks=pytest.mark.flock)


def table(count: int, *, seed: int = 5) -> Matrix:
    draw = np.random.default_rng(seed)
    rows = np.column_stack([draw.normal(size=count), draw.integers(1, 4, count).astype(float)])
    rows[::11, 0] = np.nan
    return rows


class Real:
    """One replica that asks for tokens, unless told otherwise, and serves an XGBoost model by ONNX Runtime below 256
    rows."""

    def __init__(self, home: Path, http: httpx.AsyncClient, first_port: int, *, asks: bool = True) -> None:
        self._home = home
        self._http = http
        tokens = TokenFile(home / "tokens.json")
        self.token = tokens.issue("vera", [Role.VIEWER]).token
        self.artifacts = ArtifactStore(f"file://{home}/artifacts")
        self.servers = LocalModelServers(
            self.artifacts,
            http,
            replicas=home / "replicas",
            predictions=home / "predictions",
            logs=home / "logs",
            brokers=None,
            tokens=home / "tokens.json" if asks else None,
            host="127.0.0.1",
            ports=range(first_port, first_port + 100),
            turns=Turns(home / "turns"),
        )
        self.scorer = LocalScorer(http, replicas=home / "replicas", host="127.0.0.1")

    async def start(self) -> Replica:
        rows = table(2000)
        label = (np.nan_to_num(rows[:, 0]) + rows[:, 1] > 2).astype(int)
        data = xgboost.DMatrix(rows, label=label, feature_names=list(COLUMNS))
        booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_depth": 6}, data, 60)
        signature = Signature(
            inputs=(ColumnSpec(name="a"), ColumnSpec(name="kind", dtype="category", categories=(1.0, 2.0, 3.0)))
        )
        state = await version_state(
            self.artifacts, version=1, model=bytes(booster.save_raw("ubj")), signature=signature
        )
        reference = await self.artifacts.put_bytes(_parquet(rows), suffix=".parquet")
        artifacts = state.artifacts.model_copy(update={"reference": reference})
        self.replica = Replica("credit-v1-1", "credit", 1, *self.servers.choose_ports(set()))
        self._state = state.model_copy(update={"artifacts": artifacts})
        await self.start_again()
        return self.replica

    async def start_again(self) -> None:
        """As the keeper does it, under the same name and on the same ports."""
        await self.servers.stop(self.replica)
        await self.servers.start(self.replica, self._state)
        await eventually(lambda: self.servers.ready(self.replica), within=90)

    async def single(self, row: Matrix) -> float:
        """As a client asks about one row."""
        body = {
            "inputs": [
                {"name": name, "shape": [1], "datatype": "FP64", "data": [None if np.isnan(value) else float(value)]}
                for name, value in zip(COLUMNS, row, strict=True)
            ]
        }
        url = f"http://127.0.0.1:{self.replica.http_port}/v2/models/credit/infer"
        answer = await self._http.post(url, json=body, headers={"authorization": f"Bearer {self.token}"})
        assert answer.status_code == 200, answer.text
        output: float = answer.json()["outputs"][0]["data"][0]
        return output

    def logged(self) -> list[LoggedRow]:
        return rows_below(self._home / "predictions" / "credit")


def _parquet(rows: Matrix) -> bytes:
    return parquet_bytes({name: rows[:, place].tolist() for place, name in enumerate(COLUMNS)})


@pytest.fixture
async def real(tmp_path: Path, http: httpx.AsyncClient, local_ports: int) -> AsyncIterator[Real]:
    real = Real(tmp_path, http, local_ports)
    await real.start()
    yield real
    await real.servers.stop(real.replica)


@pytest.fixture
def local_ports() -> int:
    return free_front_door(span=100)


@pytest.fixture(params=["fake", REAL])
def scorer(request: pytest.FixtureRequest) -> Scorer:
    """In whose eyes a row with the category -1 is wrong."""
    return FakeScorer() if request.param == "fake" else request.getfixturevalue("real").scorer


@pytest.fixture
def replica(request: pytest.FixtureRequest, scorer: Scorer) -> Replica:
    if isinstance(scorer, FakeScorer):
        return Replica("credit-v1-1", "credit", 1, 9, 10)
    found: Replica = request.getfixturevalue("real").replica
    return found


async def test_rows_are_answered_refused_with_their_column_or_nobody_is_there(scorer: Scorer, replica: Replica) -> None:
    outputs = await scorer.score(replica, "b-1/000000/000", COLUMNS, table(250))
    assert len(outputs) == 250
    assert all(isinstance(output, float) for output in outputs)
    wrong = table(3)
    wrong[2, 1] = -1.0
    with pytest.raises(RowsRefused, match=r"input 'kind' is -1\.0 in row 2"):
        await scorer.score(replica, "b-1/000000/001", COLUMNS, wrong)
    if isinstance(scorer, FakeScorer):
        scorer.away = 1
    with pytest.raises(ReplicaAway):
        await scorer.score(replace(replica, version=2), "b-1/000000/002", COLUMNS, table(1))
    assert len(await scorer.score(replica, "b-1/000000/003", COLUMNS, table(1))) == 1


@pytest.mark.flock
@pytest.mark.parametrize("asks", [True, False], ids=["tokens", "no-tokens"])
async def test_rows_that_a_replica_answers_after_it_was_started_anew_are_marked_too(
    tmp_path: Path, http: httpx.AsyncClient, local_ports: int, *, asks: bool
) -> None:
    real = Real(tmp_path, http, local_ports, asks=asks)
    await real.start()
    try:
        await real.scorer.score(real.replica, "b-1/000000/000", COLUMNS, table(2))
        await real.start_again()
        await real.scorer.score(real.replica, "b-1/000000/001", COLUMNS, table(3))
        await eventually(lambda: len(real.logged()) == 5)
        assert [row.batch for row in real.logged()] == [True] * 5
    finally:
        await real.servers.stop(real.replica)


@pytest.mark.flock
async def test_a_batch_waits_for_the_replica_that_was_killed_under_it(
    tmp_path: Path, http: httpx.AsyncClient, local_ports: int
) -> None:
    real = Real(tmp_path, http, local_ports, asks=False)
    await real.start()

    async def replica() -> Replica:
        return real.replica

    try:
        chunk = ChunkScorer(real.scorer, COLUMNS, replica, Manners(share=0.02))
        scoring = asyncio.create_task(chunk.score("b-1/000000", table(2000), first_row=0, failed_before=0))
        await eventually(lambda: len(real.logged()) >= 250)
        killed = await real.servers.find(real.replica)
        assert killed is not None
        os.kill(killed.pid, signal.SIGKILL)
        await real.start_again()
        scored = await scoring
        assert None not in scored.outputs
        assert {row.request_id for row in real.logged()} == {f"b-1/000000/{number:03d}" for number in range(8)}
        assert all(row.batch for row in real.logged())
    finally:
        await real.servers.stop(real.replica)


async def test_a_replica_that_was_started_anew_is_asked_with_its_new_mark(tmp_path: Path) -> None:
    """Whatever it answers to the former one, and whether or not a request has failed meanwhile."""
    shown: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers[BATCH_HEADER])
        return httpx.Response(200, json={"outputs": [{"data": [0.5]}]})

    replica = Replica("credit-v1-1", "credit", 1, 9, 10)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        scorer = LocalScorer(http, replicas=tmp_path, host="127.0.0.1")
        marks = []
        for _ in range(2):
            marks += [_written(tmp_path, replica)] * 2
            for _ in range(2):
                await scorer.score(replica, "b-1/000000/000", COLUMNS, table(1))
    assert shown == marks
    assert len(set(marks)) == 2


def test_nobody_passes_for_the_deployer_at_the_front_door() -> None:
    base = {"resources": [{"virtual_hosts": [{"routes": []}]}]}
    table = RoutingTable(routes=(Route("credit", "credit-v1"),))
    [configuration] = config.routes(base, table)["resources"]
    route = configuration["virtual_hosts"][0]["routes"][0]
    assert {PROBE_HEADER, BATCH_HEADER} <= set(route["request_headers_to_remove"])


@pytest.mark.flock
async def test_outputs_are_those_of_single_requests(real: Real) -> None:
    """Bit for bit, while others ask: a batch's rows are never counted together with theirs."""
    rows = table(1200, seed=9)
    ended = asyncio.Event()
    asked = 0

    async def client() -> None:
        nonlocal asked
        while not ended.is_set():
            await real.single(rows[asked % len(rows)])
            asked += 1

    async def replica() -> Replica:
        return real.replica

    async with asyncio.TaskGroup() as clients:
        for _ in range(4):
            clients.create_task(client())
        scored = await ChunkScorer(real.scorer, COLUMNS, replica, Manners(share=1.0)).score(
            "b-1/000000", rows, first_row=0, failed_before=0
        )
        ended.set()
    alone = [await real.single(row) for row in rows]
    assert scored.outputs == alone
    assert asked > 0
    marked = [row for row in real.logged() if row.batch]
    assert {row.request_id for row in marked} == {f"b-1/000000/{number:03d}" for number in range(5)}
    assert [row.output for row in marked] == alone
    assert len(real.logged()) == len(marked) + asked + len(alone)


async def test_an_answer_may_take_as_long_as_whoever_asks_waits(tmp_path: Path) -> None:
    """Also where everything else that is asked of replicas is answered within seconds, or not at all."""
    limits: list[float | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"outputs": [{"data": [0.5]}]})

    replica = Replica("credit-v1-1", "credit", 1, 9, 10)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), timeout=5.0) as http:
        scorer = LocalScorer(http, replicas=tmp_path, host="127.0.0.1")
        _written(tmp_path, replica)
        assert await scorer.score(replica, "b-1/000000/000", COLUMNS, table(1)) == [0.5]
    assert limits == [None]


def _written(replicas: Path, replica: Replica) -> str:
    """What stands in its directory from its start on; its mark."""
    directory = replicas / replica.name
    shutil.rmtree(directory, ignore_errors=True)
    config = ReplicaConfig(
        deployment=replica.deployment,
        replica=replica.name,
        model="credit",
        version=replica.version,
        sha256="0" * 64,
        signature=Signature(inputs=(ColumnSpec(name="a"),)),
        log_directory=replicas,
    )
    write_replica(directory, config, Ports(http=replica.http_port, grpc=replica.grpc_port))
    return config.mark
