"""The MLServer runtime for XGBoost models: it loads what was registered and answers what was trained, or nothing."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import xgboost
from fastapi import Response
from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.handlers import custom_handler
from mlserver.settings import ModelSettings
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from mlserver.utils import to_absolute_path
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError

from murmur_serving import metrics
from murmur_serving.config import PROBE_HEADER, ReplicaConfig
from murmur_serving.errors import LogUnwritable, ModelRefused, PredictionFailed
from murmur_serving.predictionlog import Origin, PredictionLog, sink_for
from murmur_serving.tensors import Matrix, RequestReader


class XGBoostRuntime(MLModel):  # type: ignore[misc]  # MLServer ships no types
    """One version of one model.

    `load` raises ModelRefused for a file or a signature that is not what the registry promised. `predict` raises
    InvalidRequest, and answers nothing whose row is not in the prediction log.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self._config = read_config(settings)
        self._reader = RequestReader(self._config.signature)
        self._booster: xgboost.Booster | None = None
        self._log: PredictionLog | None = None

    async def load(self) -> bool:
        path = Path(to_absolute_path(self._settings, self._settings.parameters.uri))
        self._booster = await asyncio.to_thread(load_booster, path, self._config)
        self._log = PredictionLog.open(
            self._config.log_directory,
            origin_of(self._config),
            sink_for(self._config.brokers, client_id=self._config.replica),
        )
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        if self._is_probe(payload):
            return self._answer(payload, self._outputs(self._reader.read(payload)))
        started = perf_counter()
        try:
            matrix = self._reader.read(payload)
            outputs = self._outputs(matrix)
        except MLServerError as error:
            self.record(payload.id, started, status=error.status_code)
            raise
        self.record(payload.id, started, status=200, features=matrix, outputs=outputs)
        return self._answer(payload, outputs)

    async def unload(self) -> bool:
        if self._log is not None:
            await self._log.close()
        return True

    def record(
        self,
        request_id: str | None,
        started: float,
        *,
        status: int,
        features: Matrix | None = None,
        outputs: Matrix | None = None,
    ) -> None:
        """Counts one answered request and appends its rows to the prediction log. Raises LogUnwritable."""
        latency = perf_counter() - started
        try:
            if self._log is not None:
                self._log.append(
                    request_id or "",
                    datetime.now(UTC),
                    latency * 1000,
                    status=status,
                    features=features,
                    outputs=outputs,
                )
        except LogUnwritable as error:
            status, outputs = error.status_code, None
            raise
        finally:
            metrics.count_request(
                self._config.deployment,
                self._config.version,
                status=status,
                seconds=latency,
                predictions=0 if outputs is None else len(outputs),
            )

    @custom_handler(rest_path="/metrics", rest_method="GET")  # type: ignore[untyped-decorator]
    async def metrics(self) -> Response:
        """Prometheus text of this process."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def _answer(self, payload: InferenceRequest, outputs: Matrix) -> InferenceResponse:
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            id=payload.id,
            outputs=[
                ResponseOutput(
                    name=self._config.signature.output,
                    shape=[len(outputs)],
                    datatype="FP32",
                    data=outputs.tolist(),
                )
            ],
        )

    def _is_probe(self, payload: InferenceRequest) -> bool:
        """MLServer puts the transport's headers there, whatever the body says."""
        headers = payload.parameters.headers if payload.parameters else None
        return (headers or {}).get(PROBE_HEADER) == self._config.mark

    def _outputs(self, matrix: Matrix) -> Matrix:
        assert self._booster is not None, "MLServer calls predict only after load"
        try:
            outputs = self._booster.inplace_predict(matrix, missing=np.nan, validate_features=False)
        except xgboost.core.XGBoostError as error:
            raise PredictionFailed(self._config.model, self._config.version, error) from error
        return np.asarray(outputs, dtype=np.float64)


def read_config(settings: ModelSettings) -> ReplicaConfig:
    """What `murmur_serving.config.write_replica` wrote. Raises ModelRefused."""
    try:
        return ReplicaConfig.model_validate(settings.parameters.extra)
    except (ValidationError, AttributeError) as error:
        raise ModelRefused(
            f"model-settings.json of {settings.name!r} was not written by murmur_serving.config.write_replica: {error}"
        ) from error


def load_booster(path: Path, config: ReplicaConfig) -> xgboost.Booster:
    """The model, from bytes whose digest was checked. Raises ModelRefused."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"the model file {str(path)!r} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != config.sha256:
        raise ModelRefused(
            f"the model file {str(path)!r} was changed: its sha256 is {digest!r}, version {config.version} of"
            f" {config.model!r} was registered with {config.sha256!r}; deploy the version again"
        )
    try:
        booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise ModelRefused(
            f"the model file {str(path)!r} is no XGBoost model: {str(error).splitlines()[-1]}"
        ) from error
    _check_signature(booster, config)
    return booster


def origin_of(config: ReplicaConfig) -> Origin:
    """What every row of this replica's prediction log has in common."""
    return Origin(
        deployment=config.deployment,
        model=config.model,
        version=config.version,
        model_sha256=config.sha256,
        replica=config.replica,
        shard=config.shard,
        columns=tuple(column.name for column in config.signature.inputs),
    )


def _check_signature(booster: xgboost.Booster, config: ReplicaConfig) -> None:
    promised = [column.name for column in config.signature.inputs]
    if booster.num_features() != len(promised):
        raise ModelRefused(
            f"version {config.version} of {config.model!r} takes {booster.num_features()} columns, its signature names"
            f" {len(promised)}: {promised!r}"
        )
    if booster.feature_names is not None and booster.feature_names != promised:
        raise ModelRefused(
            f"version {config.version} of {config.model!r} was trained on the columns {booster.feature_names!r}, its"
            f" signature names {promised!r}"
        )
