"""The MLServer runtime: it loads what was registered and answers what was trained, or nothing."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import compress
from pathlib import Path
from time import perf_counter
from zlib import crc32

from fastapi import Response
from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.handlers import custom_handler
from mlserver.settings import ModelSettings
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, Parameters, ResponseOutput
from mlserver.utils import to_absolute_path
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError

from murmur_serving import metrics
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER, ReplicaConfig
from murmur_serving.engines.choosing import Engine, choose
from murmur_serving.engines.port import Matrix, Outputs
from murmur_serving.errors import LogUnwritable, ModelRefused, PredictionFailed
from murmur_serving.predictionlog import Origin, PredictionLog, Rows, sink_for
from murmur_serving.tensors import RequestReader
from murmur_serving.tracing import HEADER, trace_id_of


class ModelRuntime(MLModel):  # type: ignore[misc]  # MLServer ships no types
    """One version of one model, of any format.

    `load` raises ModelRefused for a file or a signature that is not what the registry promised. `predict` raises
    InvalidRequest, and answers nothing whose row is not in the prediction log.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        self.config = read_config(settings)
        self._reader = RequestReader(self.config.signature)
        self.engine: Engine | None = None
        self.prepared: Engine | None = None
        """What its next load takes, having been made before the server listened."""
        self.loaded = False
        """Whether it was ever ready."""
        self._log: PredictionLog | None = None
        self.counts = metrics.Counts(self.config.deployment, self.config.version)

    async def load(self) -> bool:
        path = Path(to_absolute_path(self._settings, self._settings.parameters.uri))
        self.engine, self.prepared = self.prepared or await choose(path.parent, self.config), None
        self._reader = RequestReader(self.config.signature, missing=self.engine.predictor.takes_missing)
        metrics.ENGINES.enter(self, self.config.deployment, self.config.version, self.engine.name)
        self._log = PredictionLog.open(
            self.config.log_directory,
            origin_of(self.config),
            sink_for(self.config.brokers, client_id=self.config.replica),
        )
        self.loaded = True
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        headers = (payload.parameters.headers if payload.parameters else None) or {}
        if headers.get(PROBE_HEADER) == self.config.mark:  # MLServer puts the transport's headers there
            return self._answer(payload, self.outputs(self._reader.read(payload)))
        started, trace = perf_counter(), trace_id_of(headers.get(HEADER))
        batch = headers.get(BATCH_HEADER) == self.config.mark
        try:
            matrix = self._reader.read(payload)
            outputs = self.outputs(matrix)
        except MLServerError as error:
            self.record(payload.id, started, status=error.status_code, trace=trace, batch=batch)
            raise
        answered = {"features": matrix, "outputs": outputs.tolist()}
        self.record(payload.id, started, status=200, trace=trace, batch=batch, **answered)
        return self._answer(payload, outputs)

    async def unload(self) -> bool:
        metrics.ENGINES.leave(self)
        if self._log is not None:
            await self._log.close()
        return True

    async def metadata(self) -> MetadataModelResponse:
        """MLServer's, and the engine that answers."""
        described = await super().metadata()
        if self.engine is not None:
            described.parameters = Parameters(engine=self.engine.name)
        return described

    def outputs(self, matrix: Matrix) -> Outputs:
        """Raises PredictionFailed."""
        assert self.engine is not None, "MLServer asks for predictions only after load"
        try:
            return self.engine.predictor.predict(matrix)
        except Exception as error:  # whatever an engine raises on checked rows is the model's fault, and is answered
            raise PredictionFailed(self.config.model, self.config.version, error) from error

    def record(
        self,
        request_id: str | None,
        started: float,
        *,
        status: int,
        trace: str,
        features: Matrix | None = None,
        outputs: Sequence[float] | None = None,
        batch: bool = False,
    ) -> None:
        """Counts one answered request and appends its rows to the prediction log. Raises LogUnwritable."""
        latency = perf_counter() - started
        try:
            if self._log is not None and (status != 200 or self._is_logged(request_id)):
                rows = Rows.of_request(request_id or "", latency, trace, rows=1 if outputs is None else len(outputs))
                self._log.append(
                    rows, datetime.now(UTC), status=status, batch=batch, features=features, outputs=outputs
                )
        except LogUnwritable as error:
            status, outputs = error.status_code, None
            raise
        finally:
            if batch:
                self.counts.of_batch(predictions=0 if outputs is None else len(outputs))
            elif outputs is None:
                self.counts.failed(status, latency)
            else:
                self.counts.answered([latency], [outputs])

    def log_answers(self, rows: Rows, *, features: Matrix, outputs: list[float], batch: bool) -> None:
        """Appends to the prediction log what was answered, all of it or nothing. Raises LogUnwritable."""
        if self._log is None:
            return
        if self.config.logged < 1:
            kept = [self._is_logged(request_id) for request_id in rows.request_ids]
            rows = rows.only(kept)
            features, outputs = features[kept], list(compress(outputs, kept))
        self._log.append(rows, datetime.now(UTC), batch=batch, features=features, outputs=outputs)

    @custom_handler(rest_path="/metrics", rest_method="GET")  # type: ignore[untyped-decorator]
    async def metrics(self) -> Response:
        """Prometheus text of this process."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def _is_logged(self, request_id: str | None) -> bool:
        part = self.config.logged
        if part == 1 or not request_id:
            return part == 1 or random.random() < part
        return crc32(request_id.encode()) < part * 2**32

    def _answer(self, payload: InferenceRequest, outputs: Outputs) -> InferenceResponse:
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            id=payload.id,
            outputs=[
                ResponseOutput(
                    name=self.config.signature.output,
                    shape=[len(outputs)],
                    datatype="FP32",
                    data=outputs.tolist(),
                )
            ],
        )


def read_config(settings: ModelSettings) -> ReplicaConfig:
    """What `murmur_serving.config.write_replica` wrote. Raises ModelRefused."""
    try:
        return ReplicaConfig.model_validate(settings.parameters.extra)
    except (ValidationError, AttributeError) as error:
        raise ModelRefused(
            f"model-settings.json of {settings.name!r} was not written by murmur_serving.config.write_replica: {error}"
        ) from error


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
