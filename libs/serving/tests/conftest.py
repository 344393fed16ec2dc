"""A tiny trained model, the runtime on top of it, and a sink that remembers."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import xgboost
from log_fixtures import ORIGIN, RememberingSink
from mlserver.settings import ModelSettings

from murmur_events.values import ColumnSpec, Signature
from murmur_serving.config import REFERENCE_FILE, Ports, ReplicaConfig, write_replica
from murmur_serving.predictionlog import PredictionLog
from murmur_serving.runtime import ModelRuntime

SIGNATURE = Signature(
    inputs=(
        ColumnSpec(name="limit"),
        ColumnSpec(name="age", dtype="integer"),
        ColumnSpec(name="education", dtype="category", categories=(1.0, 2.0, 3.0)),
    )
)


@dataclass(frozen=True)
class TinyModel:
    """A booster, the bytes that were registered of it, and rows to ask it about."""

    booster: xgboost.Booster
    content: bytes
    rows: np.ndarray
    mark: str = "of-this-replica"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def expected(self, rows: np.ndarray) -> np.ndarray:
        names = [column.name for column in SIGNATURE.inputs]
        return self.booster.predict(xgboost.DMatrix(rows, feature_names=names))

    def config(self, logs: Path) -> ReplicaConfig:
        return ReplicaConfig(
            deployment="credit",
            replica="credit-v3-1",
            model="credit",
            version=3,
            sha256=self.sha256,
            signature=SIGNATURE,
            log_directory=logs,
            mark=self.mark,
            convert=False,
        )

    def write(self, directory: Path, config: ReplicaConfig, *, ports: Ports | None = None) -> None:
        write_replica(directory, config, ports or Ports(http=1, grpc=2))
        (directory / config.model_file).write_bytes(self.content)
        self.write_reference(directory / REFERENCE_FILE)

    def write_reference(self, path: Path) -> None:
        names = [column.name for column in SIGNATURE.inputs]
        parquet.write_table(pa.table(dict(zip(names, self.rows.T, strict=True))), path)


@pytest.fixture(scope="session")
def model() -> TinyModel:
    draw = np.random.default_rng(7)
    rows = np.column_stack(
        [draw.normal(100, 30, 400), draw.integers(20, 70, 400), draw.integers(1, 4, 400)],
    ).astype(float)
    label = (rows[:, 0] + rows[:, 1] + draw.normal(0, 10, 400) > 145).astype(int)
    names = [column.name for column in SIGNATURE.inputs]
    data = xgboost.DMatrix(rows, label=label, feature_names=names)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, data, 20)
    return TinyModel(booster, bytes(booster.save_raw("ubj")), rows)


@pytest.fixture(scope="session")
def signature() -> Signature:
    return SIGNATURE


Load = Callable[..., Awaitable[ModelRuntime]]


@pytest.fixture
async def load(model: TinyModel, tmp_path: Path) -> AsyncIterator[Load]:
    """Writes a replica and loads it as MLServer would."""
    loaded: list[ModelRuntime] = []

    async def _load(*, served: TinyModel = model, **changes: object) -> ModelRuntime:
        config = model.config(tmp_path / "logs").model_copy(update=changes)
        served.write(tmp_path / "replica", config)
        runtime = ModelRuntime(ModelSettings.parse_file(str(tmp_path / "replica" / "model-settings.json")))
        runtime.ready = await runtime.load()
        loaded.append(runtime)
        return runtime

    yield _load
    for runtime in loaded:
        await runtime.unload()


@pytest.fixture
def load_format(model: TinyModel, load: Load) -> Callable[[bytes, str], Awaitable[ModelRuntime]]:
    """Loads a model of another format."""

    def _load(content: bytes, format: str) -> Awaitable[ModelRuntime]:
        served = replace(model, content=content)
        return load(served=served, format=format, sha256=served.sha256)

    return _load


@pytest.fixture
def altered(model: TinyModel) -> TinyModel:
    """The same model with one byte changed on its way."""
    return replace(model, content=model.content[:-1] + bytes([model.content[-1] ^ 1]))


@pytest.fixture
def sink() -> RememberingSink:
    return RememberingSink()


Open = Callable[..., PredictionLog]


@pytest.fixture
async def open_log(tmp_path: Path, sink: RememberingSink) -> AsyncIterator[Open]:
    logs: list[PredictionLog] = []

    def _open(*, to: RememberingSink | None = sink, flush_after: float = 0.01) -> PredictionLog:
        logs.append(PredictionLog.open(tmp_path, ORIGIN, to, flush_after=flush_after))
        return logs[-1]

    yield _open
    for log in logs:
        await log.close(timeout=0.1)
