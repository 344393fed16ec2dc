"""What one replica is told: written by the deployer as MLServer's own settings files, read by the runtime.

Imports nothing of MLServer, so that the deployer need not load it.
"""

import json
import secrets
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from murmur_access import BrokerAccess
from murmur_events.values import Sha256, Signature

ModelFormat = Literal["xgboost-ubj", "onnx", "skops"]

MODEL_FILES: dict[ModelFormat, str] = {"xgboost-ubj": "model.ubj", "onnx": "model.onnx", "skops": "model.skops"}
REFERENCE_FILE = "reference.parquet"
"""Rows like those of training; an XGBoost model is converted only where they are there to show that it may be."""
PROBE_HEADER = "x-murmur-probe"
"""With the replica's own mark in it, a request is the deployer's: answered like any other, but neither counted nor
logged as a prediction, and without a token.
"""
BATCH_HEADER = "x-murmur-batch"
"""With the replica's own mark in it, a request is the deployer's too, for a batch: answered and logged like any other,
without a token, and marked in the prediction log so that nobody takes its rows for live traffic.
"""
RUNTIME = "murmur_serving.runtime.ModelRuntime"


class ReplicaConfig(BaseModel):
    """One model version on one replica.

    log_directory holds the prediction logs of all replicas of the deployment on this machine: whoever lives ships what
    a dead one left there. brokers None: rows stay on disk. tokens: the file that knows
    who may ask for predictions; None: everybody. mark: what the deployer's own requests show; it stands in the
    replica's directory only, which nobody else may read. convert: whether an XGBoost model may be served by ONNX
    Runtime, once that is shown to answer equally. conversions: where that is kept for the next replica of the version;
    None: in the replica's own directory. logged: the part of the requests whose rows are kept, chosen by their ids;
    failures always are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    deployment: str
    replica: str
    model: str
    version: int = Field(ge=1)
    sha256: Sha256
    format: ModelFormat = "xgboost-ubj"
    signature: Signature
    log_directory: Path
    shard: int = Field(default=0, ge=0)
    brokers: BrokerAccess | None = None
    tokens: Path | None = None
    mark: str = Field(default_factory=lambda: secrets.token_urlsafe(16))
    convert: bool = True
    conversions: Path | None = None
    logged: float = Field(default=1.0, ge=0, le=1)

    @property
    def model_file(self) -> str:
        """Its name in the replica's directory."""
        return MODEL_FILES[self.format]

    @property
    def title(self) -> str:
        return f"version {self.version} of {self.model!r}"


class Ports(BaseModel):
    """Where a replica listens."""

    model_config = ConfigDict(frozen=True)

    host: str = "127.0.0.1"
    http: int
    grpc: int


def write_replica(directory: Path, config: ReplicaConfig, ports: Ports) -> None:
    """Makes `directory` one that `python -m murmur_serving` (or `mlserver start`) serves.

    The model itself is expected there as `config.model_file`, and REFERENCE_FILE beside it. Replaces what is there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    _write(directory / "settings.json", server_settings(ports))
    _write(replica_file(directory), model_settings(config))


def server_settings(ports: Ports) -> dict[str, Any]:
    """One process that predicts in its own event loop: no workers, no access log, /metrics on the REST port."""
    return {
        "debug": False,
        "parallel_workers": 0,
        "host": ports.host,
        "http_port": ports.http,
        "grpc_port": ports.grpc,
        "metrics_endpoint": None,
        "gzip_enabled": False,
        "server_name": "murmuration",
        "extensions": ["binary_tensor_data", "model_repository"],
    }


def model_settings(config: ReplicaConfig) -> dict[str, Any]:
    """MLServer's description of the model, the input schema in the protocol's own form included."""
    return {
        "name": config.deployment,
        "implementation": RUNTIME,
        "platform": config.format,
        "versions": [str(config.version)],
        "inputs": [
            {
                "name": column.name,
                "datatype": "FP64",
                "shape": [-1],
                "parameters": {"dtype": column.dtype, "categories": list(column.categories)},
            }
            for column in config.signature.inputs
        ],
        "outputs": [{"name": config.signature.output, "datatype": "FP32", "shape": [-1]}],
        "parameters": {
            "uri": f"./{config.model_file}",
            "version": str(config.version),
            "extra": config.model_dump(mode="json"),
        },
    }


def replica_file(directory: Path) -> Path:
    """What `read_replica` reads. It is written anew, with another mark, whenever the replica is started."""
    return directory / "model-settings.json"


def read_replica(directory: Path) -> ReplicaConfig:
    """What `write_replica` was told. Raises OSError, ValueError."""
    settings = json.loads(replica_file(directory).read_text())
    return ReplicaConfig.model_validate(settings["parameters"]["extra"])


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
