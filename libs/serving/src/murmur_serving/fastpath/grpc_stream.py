"""V2 inference by a stream over gRPC: one answer a request, in their order, and a wrong request ends nothing.

The answer's message is the one of NVIDIA's stream extension, which clients know: either a response or what was wrong.
MLServer's own stream sends bare responses, and ends the call at the first wrong request.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from mlserver.grpc import dataplane_pb2 as pb

_SERVICE, _METHOD, _ANSWER = "inference.GRPCInferenceService", "ModelStreamInfer", "ModelStreamInferResponse"

Infer = Callable[[pb.ModelInferRequest, Any], Awaitable[pb.ModelInferResponse]]


def add_stream(server: Any, infer: Infer) -> None:
    """After MLServer's servicer was added: of two handlers of one method the later one counts.

    infer: answers one request, or aborts the call by the context that it is given.
    """

    async def stream(requests: AsyncIterator[pb.ModelInferRequest], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            try:
                answer = await infer(request, _OneRequest(context))
            except _Wrong as wrong:
                yield StreamAnswer(error_message=str(wrong), infer_response=pb.ModelInferResponse(id=request.id))
            else:
                yield StreamAnswer(infer_response=answer)

    handler = grpc.stream_stream_rpc_method_handler(
        stream,
        request_deserializer=pb.ModelInferRequest.FromString,
        response_serializer=StreamAnswer.SerializeToString,
    )
    server.add_registered_method_handlers(_SERVICE, {_METHOD: handler})


class _Wrong(Exception):
    """What is wrong with one request of a stream."""


class _OneRequest:
    """The context of one request of a stream: what would end a call of its own ends its answer."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def invocation_metadata(self) -> Any:
        return self._stream.invocation_metadata()

    def set_trailing_metadata(self, metadata: object) -> None:
        """A stream has one trailer for all of its answers: their ids stand in them."""

    async def abort(self, code: Any, details: str = "") -> None:
        raise _Wrong(details or code.name)


def _answer_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="murmur_serving/stream.proto",
        package="inference",
        syntax="proto3",
        dependency=[pb.DESCRIPTOR.name],
    )
    message = file.message_type.add(name=_ANSWER)
    message.field.add(name="error_message", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    message.field.add(
        name="infer_response",
        number=2,
        type="TYPE_MESSAGE",
        type_name=f".{pb.ModelInferResponse.DESCRIPTOR.full_name}",
        label="LABEL_OPTIONAL",
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"inference.{_ANSWER}"))


StreamAnswer = _answer_type()
"""error_message, or infer_response; with an error the latter has the request's id alone."""
