"""The protocol's extension for binary tensor data over HTTP: to and from the JSON that MLServer takes.

A body is JSON, whose length a header tells, and behind it the bytes of those tensors whose parameters tell their size.
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from math import prod
from typing import Any

import numpy as np
import orjson

LENGTH = b"inference-header-content-length"
_TYPES = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


_MOST_DIGITS, _MOST_SIZES = 12, 8


class Malformed(Exception):
    """The body is not what its own head says of it."""


def plain_request(body: bytes, length: str | None) -> bytes:
    """The same request in JSON alone. length: what the header said, None without it. Raises Malformed."""
    if length is None:
        return body
    size = int(length) if length.isascii() and length.isdigit() and len(length) < _MOST_DIGITS else -1
    if not 0 < size <= len(body):
        raise Malformed(
            f"the header 'Inference-Header-Content-Length' is {length!r} and the body has {len(body)} bytes"
        )
    try:
        request = orjson.loads(body[:size])
        tensors = request["inputs"]
        begin = size
        for tensor in tensors:
            begin = _fill(tensor, body, begin)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return body[:size]  # no request at all: MLServer says why
    if begin != len(body):
        raise Malformed(f"the inputs' 'binary_data_size' make {begin - size} bytes of the {len(body) - size} sent")
    return orjson.dumps(request, option=orjson.OPT_SERIALIZE_NUMPY)


def _fill(tensor: dict[str, Any], body: bytes, begin: int) -> int:
    """Gives a tensor its values; where the next one's bytes begin. NaN becomes null: a missing value."""
    size = tensor.get("parameters", {}).pop("binary_data_size", None)
    if size is None:
        return begin
    datatype, shape = tensor["datatype"], tensor["shape"]
    if datatype not in _TYPES:
        tensor["data"] = []  # MLServer names the datatypes that there are
        return begin + _whole(size)
    sizes = shape if isinstance(shape, list) else [shape]
    if len(sizes) > _MOST_SIZES:
        raise Malformed(f"input {tensor['name']!r} has a shape of {len(sizes)} sizes: models take one or two")
    expected = prod(map(_whole, sizes), start=np.dtype(_TYPES[datatype]).itemsize)
    if size != expected or begin + size > len(body):
        raise Malformed(
            f"input {tensor['name']!r} has {size!r} bytes of {len(body) - begin} that are left, but its shape {shape!r}"
            f" of {datatype} says {expected}"
        )
    values = np.frombuffer(body, _TYPES[datatype], prod(sizes), begin)
    tensor["data"] = values.astype(np.float64) if datatype.startswith("FP") else values
    return begin + expected


def _whole(size: Any) -> int:
    """Raises Malformed."""
    if type(size) is not int or not 0 <= size < 2**32:
        raise Malformed(f"a size is {size!r}: shapes and 'binary_data_size' are whole numbers")
    return size


def wants_binary(request: bytes) -> dict[str, bool] | bool:
    """Which outputs a request (JSON) asks for in binary form: all or none, or by name."""
    if b"binary_data" not in request:
        return False
    try:
        document = orjson.loads(request)
        everywhere = bool((document.get("parameters") or {}).get("binary_data_output", False))
        named = {
            output["name"]: bool((output.get("parameters") or {}).get("binary_data", everywhere))
            for output in document.get("outputs") or ()
        }
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return False
    return named or everywhere


def binary_answer(answer: bytes, wanted: dict[str, bool] | bool) -> tuple[bytes, int]:
    """The answer with those outputs behind its JSON, and how long that is."""
    document, behind = orjson.loads(answer), []
    for output in document["outputs"]:
        if wanted if isinstance(wanted, bool) else wanted.get(output["name"], False):
            content = np.array(output.pop("data"), _TYPES[output["datatype"]]).tobytes()
            output["parameters"] = (output.get("parameters") or {}) | {"binary_data_size": len(content)}
            behind.append(content)
    head = orjson.dumps(document)
    return b"".join((head, *behind)), len(head)
