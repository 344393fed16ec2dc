"""MLServer as one replica: errors in the protocol's form, a drained log at the end, an honest exit code."""

import asyncio
import signal
from pathlib import Path
from time import perf_counter

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from mlserver import MLModel, MLServer
from mlserver.grpc.server import GRPCServer
from mlserver.middleware import InferenceMiddlewares
from mlserver.settings import ModelSettings, Settings

from murmur_access import TokenFile
from murmur_serving.admission import Admission, AskingWeb
from murmur_serving.cloudevents import SafeCloudEvents
from murmur_serving.config import read_replica
from murmur_serving.engines.choosing import Engine, choose
from murmur_serving.errors import LogUnwritable, ModelRefused
from murmur_serving.fastpath.grpc import FastGrpcServer
from murmur_serving.fastpath.http import FastRestServer
from murmur_serving.fastpath.models import FastModels
from murmur_serving.loading import StillLoading
from murmur_serving.plane_counts import shared_counts
from murmur_serving.runtime import ModelRuntime
from murmur_serving.tracing import HEADER, trace_id_of
from murmur_serving.web import WholeProtocol

_LOOK_EVERY = 0.02
_PATIENCE = 3.0
"""Seconds that gRPC's five (MLServer's) and the log's five leave of the deployer's fifteen."""

log = structlog.get_logger(__name__)


async def serve(directory: Path) -> int:
    """Serves `directory` until a signal ends it; the exit code is 1 if its model was never ready."""
    try:
        server = await replica_server(directory, alone=True)
    except ModelRefused as error:
        log.error("model_refused", reason=str(error))
        return 1
    await server.serve()
    return 0 if server.was_ready else 1


async def replica_server(directory: Path, *, alone: bool) -> "ReplicaServer":
    """What `directory` describes, with its model made and its doors still closed. Raises ModelRefused.

    alone: it has this process for itself, and takes its signals.
    """
    settings = Settings.parse_file(directory / "settings.json")
    settings.model_repository_root = str(directory)
    config = read_replica(directory)
    engine = await choose(directory, config)  # before it listens: whoever calls meanwhile is told to try again
    admission = Admission(TokenFile(config.tokens), config.mark) if config.tokens else None
    return ReplicaServer(settings, admission, engine, config.deployment, alone=alone)


class ReplicaServer(MLServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer 1.7. Inner attributes of it are used, `_rest_server._app` and `_grpc_server`: no other way leads to its
    two doors; and its data plane's metrics and middleware, so that the fast path counts and answers as it does.

    admission: who is asked for what; None: nobody is asked. engine: of the model that is loaded first, engine_of.
    """

    def __init__(
        self, settings: Settings, admission: Admission | None, engine: Engine, engine_of: str, *, alone: bool
    ) -> None:
        self._alone = alone
        with shared_counts(self):
            super().__init__(settings)
        self._engine: Engine | None = engine
        self._models: dict[str, ModelRuntime] = {}
        self._loading = {engine_of}
        self.was_ready = False
        events = SafeCloudEvents(settings)
        self._data_plane._inference_middleware = InferenceMiddlewares(events)
        self._fast = FastModels(self._data_plane, events)
        self._rest_server: FastRestServer = FastRestServer(
            settings, self._data_plane, self._model_repository_handlers, self._fast, admission, alone=alone
        )
        _answer_in_protocol_form(self._rest_server._app, self._models)
        self._rest_server._app.add_middleware(WholeProtocol, refused=self._refused)
        self._rest_server._app.add_middleware(StillLoading, loading=self._is_loading)
        if admission is not None:
            self._rest_server._app.add_middleware(AskingWeb, admission=admission)
        self._grpc_server: GRPCServer = FastGrpcServer(
            settings, self._data_plane, self._model_repository_handlers, self._fast, admission
        )

    async def add_custom_handlers(self, model: MLModel) -> MLModel:
        """MLServer calls this for every model before it loads it."""
        self._models[model.name] = model
        model.prepared, self._engine = self._engine, None
        self._fast.add(model)
        return await super().add_custom_handlers(model)

    async def remove_custom_handlers(self, model: MLModel) -> MLModel:
        """MLServer calls this for every model that it has unloaded, or could not load."""
        self._fast.remove(model)
        name, was_loaded = model.name, model.loaded
        if self._models.get(name) is model:
            del self._models[name]
        if was_loaded:
            self._loading.discard(name)
            self.was_ready = True
        return await super().remove_custom_handlers(model)

    def _is_loading(self, name: str) -> bool:
        """Whether a model that this replica is there for has not been ready yet."""
        model = self._models.get(name)
        return name in self._loading and not (model is not None and model.loaded)

    def _refused(self, path: str, trace: str, status: int) -> None:
        """Every request is a row of the log, those included that no model has seen. Raises LogUnwritable."""
        _, _, rest = path.partition("/v2/models/")
        if model := self._models.get(rest.partition("/")[0]):
            model.record(None, perf_counter(), status=status, trace=trace)

    def _add_signal_handlers(self) -> None:
        """MLServer's constructor calls this; signals to a process of several mean all of them."""
        if self._alone:
            super()._add_signal_handlers()

    async def serve(self) -> None:
        """Returns when its doors are closed, by a signal or by `close`."""
        await self.start(await self._model_repository.list())

    async def close(self) -> None:
        """As a signal would, if nobody else is in this process. A client that takes its time to send a request is cut
        off: the deployer ends a process that does not let a replica go, with all that are in it.
        """
        while not self._rest_server.listens:  # noqa: ASYNC110  uvicorn wakes nobody; what does not listen yet cannot be closed
            await asyncio.sleep(_LOOK_EVERY)
        await self.stop(signal.SIGTERM)
        await asyncio.sleep(_PATIENCE)
        self._rest_server.cut_off()

    async def start(self, models_settings: list[ModelSettings]) -> None:
        """Returns when every listener has closed and what they answered is shipped, or left on disk."""
        try:
            await super().start(models_settings)
        finally:
            if not self._alone:  # a process goes on in which one of two doors could not be opened
                await self.stop(signal.SIGTERM)
                while self._rest_server.is_open:  # noqa: ASYNC110  it closes in uvicorn's own time
                    await asyncio.sleep(_LOOK_EVERY)
            for model in self._models.values():
                self.was_ready = self.was_ready or model.loaded
                await model.unload()


def _answer_in_protocol_form(app: FastAPI, models: dict[str, ModelRuntime]) -> None:
    """MLServer answers `{"error": …}` to what it finds wrong itself; here for what its web framework finds wrong."""

    async def malformed(request: Request, error: Exception) -> JSONResponse:
        started = perf_counter()
        assert isinstance(error, RequestValidationError)
        try:
            if model := models.get(request.path_params.get("model_name", "")):
                model.record(None, started, status=400, trace=trace_id_of(request.headers.get(HEADER)))
        except LogUnwritable as unwritable:
            return JSONResponse({"error": str(unwritable)}, status_code=unwritable.status_code)
        return JSONResponse({"error": _complaint(request, error)}, status_code=400)

    async def broken(request: Request, error: Exception) -> JSONResponse:
        """The framework logs the traceback, as for every bug."""
        return JSONResponse({"error": f"the model server failed: {type(error).__name__}"}, status_code=500)

    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(Exception, broken)


def _complaint(request: Request, error: RequestValidationError) -> str:
    content_type = request.headers.get("content-type", "")
    if "json" not in content_type:
        return f"the request has content type {content_type!r}: send JSON with 'Content-Type: application/json'"
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "the body"
    return f"the request is no V2 inference request: {place}: {first['msg']}"
