"""V2 inference over gRPC, in front of MLServer's servicer, which would make of every request what HTTP gave it."""

from math import prod
from time import perf_counter
from typing import Any

import numpy as np
from grpc import StatusCode, aio  # type: ignore[import-untyped]
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from mlserver.grpc.model_repository import ModelRepositoryServicer
from mlserver.grpc.model_repository_pb2_grpc import add_ModelRepositoryServiceServicer_to_server
from mlserver.grpc.server import GRPCServer
from mlserver.grpc.servicers import InferenceServicer
from mlserver.grpc.utils import STATUS_CODE_MAPPING
from mlserver.handlers import DataPlane, ModelRepositoryHandlers
from mlserver.settings import Settings

from murmur_serving.admission import Admission, AskingGrpc
from murmur_serving.cloudevents import header_value
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER
from murmur_serving.errors import LogUnwritable
from murmur_serving.fastpath.answers import Answer, Asked
from murmur_serving.fastpath.grpc_stream import add_stream
from murmur_serving.fastpath.models import FastModels, Place
from murmur_serving.fastpath.requests import Output, Request, Tensor
from murmur_serving.tracing import HEADER, trace_id_of

_FIELDS = {"FP64": "fp64_contents", "FP32": "fp32_contents", "INT64": "int64_contents", "INT32": "int_contents"}
_WHOLE = ("INT64", "INT32")
_RAW: dict[str, np.dtype[Any]] = {
    "FP64": np.dtype("<f8"),
    "FP32": np.dtype("<f4"),
    "INT64": np.dtype("<i8"),
    "INT32": np.dtype("<i4"),
}


class FastGrpcServer(GRPCServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's, with a servicer and an interceptor of ours. admission None: nobody is asked."""

    def __init__(
        self,
        settings: Settings,
        plane: DataPlane,
        repository: ModelRepositoryHandlers,
        models: FastModels,
        admission: Admission | None,
    ) -> None:
        super().__init__(settings, plane, repository)
        STATUS_CODE_MAPPING.setdefault(503, StatusCode.UNAVAILABLE)  # at which a client may ask again
        self._models = models
        self._admission = admission
        self._server: aio.Server | None = None

    async def stop(self, sig: int | None = None) -> None:
        if self._server is not None:
            await super().stop(sig)

    def _create_server(self) -> aio.Server:
        interceptors = [] if self._admission is None else [AskingGrpc(self._admission)]
        server = aio.server(interceptors=interceptors, options=self._get_options())
        inference = FastServicer(self._data_plane, self._model_repository_handlers, self._models)
        add_GRPCInferenceServiceServicer_to_server(inference, server)
        add_stream(server, inference.ModelInfer)
        add_ModelRepositoryServiceServicer_to_server(ModelRepositoryServicer(self._model_repository_handlers), server)
        server.add_insecure_port(f"{self._settings.host}:{self._settings.grpc_port}")
        self._server = server
        return server


class FastServicer(InferenceServicer):  # type: ignore[misc]  # MLServer ships no types
    def __init__(self, plane: DataPlane, repository: ModelRepositoryHandlers, models: FastModels) -> None:
        super().__init__(plane, repository)
        self._models = models

    async def ModelInfer(self, request: pb.ModelInferRequest, context: Any) -> pb.ModelInferResponse:  # noqa: N802
        started = perf_counter()
        place = self._models.place(request.model_name, request.model_version)
        answering = None if place is None else place.answering()
        shown = {key: value for key, value in context.invocation_metadata() or () if key in _SHOWN}
        if place is not None and answering is not None:
            asked = read(request)
            rows = None if asked is None else answering.reader.rows(asked)
            if rows is not None:
                probe = shown.get(PROBE_HEADER) == answering.mark
                trace = trace_id_of(shown.get(HEADER))
                batch = shown.get(BATCH_HEADER) == answering.mark
                [answer] = answering.answer([Asked(rows, started, probe, trace, batch)])
                if answer is not None:
                    return _written(place, answer, context, raw=bool(request.raw_input_contents))
        if complaint := _complaint(request):
            try:
                if answering is not None:
                    answering.model.record(request.id, started, status=400, trace=trace_id_of(shown.get(HEADER)))
            except LogUnwritable as error:
                await context.abort(StatusCode.UNAVAILABLE, str(error))
            await context.abort(StatusCode.INVALID_ARGUMENT, complaint)
        return await super().ModelInfer(request, context)


_SHOWN = frozenset((PROBE_HEADER, BATCH_HEADER, HEADER))


def read(request: pb.ModelInferRequest) -> Request | None:
    """None for what is not in the plain form: parameters, other datatypes, values in a field of another type."""
    if request.parameters or any(output.parameters for output in request.outputs):
        return None
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        return None
    tensors = []
    for place, tensor in enumerate(request.inputs):
        data = _values(tensor, raw[place] if raw else None)
        if data is None or tensor.parameters:
            return None
        tensors.append(Tensor(tensor.name, list(tensor.shape), tensor.datatype, data))
    return Request(tensors, request.id, [Output(output.name) for output in request.outputs])


def _values(tensor: pb.ModelInferRequest.InferInputTensor, raw: bytes | None) -> list[Any] | None:
    """As floats; None in the place of NaN."""
    kind, given = tensor.datatype, tensor.contents.ListFields()
    if kind not in _FIELDS:
        return None
    if raw is not None:
        if given or len(raw) % _RAW[kind].itemsize:
            return None
        values: list[Any] = np.frombuffer(raw, _RAW[kind]).tolist()
    else:
        if len(given) != 1 or given[0][0].name != _FIELDS[kind]:
            return None
        values = list(given[0][1])
    if kind in _WHOLE:
        return list(map(float, values))
    total = sum(values)  # NaN if one of them is
    return [None if value != value else value for value in values] if total != total else values


def _written(place: Place, answer: Answer, context: Any, *, raw: bool) -> pb.ModelInferResponse:
    model, config = place.model, place.model.config
    named = (("ce-id", header_value(answer.request_id)),) * bool(answer.request_id)
    context.set_trailing_metadata((*place.metadata, *named, *((("ce-requestid", value) for _, value in named))))
    response = pb.ModelInferResponse(model_name=model.name, model_version=model.version, id=answer.request_id)
    output = response.outputs.add(name=config.signature.output, datatype="FP32", shape=(len(answer.outputs),))
    output.contents.fp32_contents.extend(() if raw else answer.outputs)
    if raw:
        response.raw_output_contents.append(np.array(answer.outputs, "<f4").tobytes())
    return response


def _complaint(request: pb.ModelInferRequest) -> str:
    """What is wrong with raw contents, on which MLServer would fail with INTERNAL; "" if nothing is."""
    raw = request.raw_input_contents
    if not raw:
        return ""
    empty = [tensor for tensor in request.inputs if not tensor.contents.ListFields()]
    if len(raw) != len(empty):
        return f"there are {len(raw)} raw_input_contents for {len(empty)} inputs without contents of their own"
    for tensor, content in zip(empty, raw, strict=True):
        if tensor.datatype not in _RAW:
            return f"input {tensor.name!r} has datatype {tensor.datatype!r}: send one of {', '.join(map(repr, _RAW))}"
        size = _RAW[tensor.datatype].itemsize * prod(tensor.shape)
        if size != len(content):
            return (
                f"input {tensor.name!r} has {len(content)} raw bytes, but its shape {list(tensor.shape)!r} of"
                f" {tensor.datatype} says {size}"
            )
    return ""
