"""The answer to an inference over HTTP, in the bytes that MLServer would send."""

import orjson

from murmur_serving.cloudevents import header_value
from murmur_serving.fastpath.answers import Answer
from murmur_serving.runtime import ModelRuntime

ServerHeaders = list[tuple[bytes, bytes]]
"""What uvicorn begins every answer with; a new list every second, for the date."""

Metadata = tuple[tuple[str, str], ...]
"""What all answers of a model tell in headers, or over gRPC in trailing metadata."""


class Writer:
    """Of one model."""

    def __init__(self, model: ModelRuntime, metadata: Metadata) -> None:
        head = {"model_name": model.name, "model_version": model.version}
        output = {"name": model.config.signature.output, "shape": 0, "datatype": "FP32", "data": 0}
        before, after = orjson.dumps(output).split(b'"shape":0')
        self._before_id = orjson.dumps(head)[:-1] + b',"id":'
        self._before_shape = b',"parameters":{},"outputs":[' + before + b'"shape":['
        self._before_data = b"]" + after.removesuffix(b"0}")
        self._of_model = "".join(f"{name}: {value}\r\n" for name, value in metadata).encode("latin-1")
        self._of_server: ServerHeaders = []
        self._head = b""

    def response(self, answer: Answer, of_server: ServerHeaders) -> bytes:
        """Status line, headers and body."""
        if of_server is not self._of_server:
            self._of_server = of_server
            lines = b"".join(b"%b: %b\r\n" % header for header in of_server)
            self._head = b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: "
        body = self.body(answer)
        named = header_value(answer.request_id).encode()
        return b"%b%d\r\ncontent-type: application/json\r\n%bce-id: %b\r\nce-requestid: %b\r\n\r\n%b" % (
            self._head,
            len(body),
            self._of_model,
            named,
            named,
            body,
        )

    def body(self, answer: Answer) -> bytes:
        return b"%b%b%b%d%b%b}]}" % (
            self._before_id,
            orjson.dumps(answer.request_id),
            self._before_shape,
            len(answer.outputs),
            self._before_data,
            orjson.dumps(answer.outputs),
        )
