"""Reads the rows of a V2 inference request, or says exactly what is wrong with them."""

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from mlserver.types import InferenceRequest, RequestInput

from murmur_events.values import ColumnSpec, Signature
from murmur_serving.engines.port import Matrix
from murmur_serving.errors import InvalidRequest

DATATYPES = ("FP64", "FP32", "INT64", "INT32")
LARGEST = float(np.finfo(np.float32).max)
"""Engines compute with float32, in which anything larger would be infinite."""
MAX_ID = 256  # a row of the prediction log carries the id, and a batch of rows must fit into one Kafka record


class RequestReader:
    """Checks requests against one signature; holds no state of a request. missing: whether a value may be missing."""

    def __init__(self, signature: Signature, *, missing: bool = True) -> None:
        self._signature = signature
        self._missing = missing
        self._names = tuple(column.name for column in signature.inputs)
        self._index = {name: position for position, name in enumerate(self._names)}
        self._categories = {
            position: (column, np.array(sorted(column.categories), dtype=np.float64))
            for position, column in enumerate(signature.inputs)
            if column.dtype == "category" and column.categories
        }
        self._whole = tuple(
            (position, column) for position, column in enumerate(signature.inputs) if column.dtype != "float"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The model's columns, in the order of the matrix."""
        return self._names

    def read(self, request: InferenceRequest) -> Matrix:
        """The request's rows, shape (rows, columns), columns in the signature's order; NaN where a value is missing.

        Takes one tensor [n] or [n, 1] per column, in any order, or a single tensor [n, columns]. Raises InvalidRequest.
        """
        _check_id(request)
        self._check_outputs(request)
        inputs = request.inputs
        if len(inputs) == 1 and len(self._names) > 1 and inputs[0].name not in self._index:
            matrix = self._read_matrix(inputs[0])
        else:
            matrix = self._read_columns(inputs)
        self._check_values(matrix)
        return matrix

    def _check_outputs(self, request: InferenceRequest) -> None:
        for output in request.outputs or ():
            if output.name != self._signature.output:
                raise InvalidRequest(
                    f"output {output.name!r} does not exist: the only one is {self._signature.output!r}"
                )

    def _read_matrix(self, tensor: RequestInput) -> Matrix:
        width = len(self._names)
        if len(tensor.shape) != 2 or tensor.shape[1] != width:
            raise InvalidRequest(
                f"input {tensor.name!r} has shape {tensor.shape!r} and is no column of the model: send one tensor of"
                f" shape [n, {width}], or one tensor [n] for each of {_listed(self._names)}"
            )
        return _values(tensor).reshape(tensor.shape[0], width)

    def _read_columns(self, inputs: Sequence[RequestInput]) -> Matrix:
        given = [tensor.name for tensor in inputs]
        if unknown := [name for name in given if name not in self._index]:
            raise InvalidRequest(f"unknown input {_listed(unknown)}: the model's columns are {_listed(self._names)}")
        if repeated := [name for name, count in Counter(given).items() if count > 1]:
            raise InvalidRequest(f"input {_listed(repeated)} is given more than once: send each column once")
        if missing := [name for name in self._names if name not in given]:
            raise InvalidRequest(f"input {_listed(missing)} is missing: send every column of the model")
        columns = {tensor.name: _values(tensor) for tensor in inputs}
        rows = len(columns[given[0]])
        for tensor in inputs:
            if tensor.shape not in ([rows], [rows, 1]):
                raise InvalidRequest(
                    f"input {tensor.name!r} has shape {tensor.shape!r}: expected [{rows}] or [{rows}, 1],"
                    f" since input {given[0]!r} has {rows} values"
                )
        return np.column_stack([columns[name] for name in self._names])

    def _check_values(self, matrix: Matrix) -> None:
        if not len(matrix):
            raise InvalidRequest("the request has no rows: send at least one")
        if np.isinf(matrix).any():
            row, position = np.argwhere(np.isinf(matrix))[0]
            raise InvalidRequest(
                f"input {self._names[position]!r} is infinite in row {row}: send null if it is missing"
            )
        if (np.abs(matrix) > LARGEST).any():
            row, position = np.argwhere(np.abs(matrix) > LARGEST)[0]
            raise InvalidRequest(
                f"input {self._names[position]!r} is {float(matrix[row, position])!r} in row {row}: models take numbers"
                f" up to {LARGEST:.3g}"
            )
        if not self._missing and np.isnan(matrix).any():
            row, position = np.argwhere(np.isnan(matrix))[0]
            raise InvalidRequest(
                f"input {self._names[position]!r} is missing in row {row}: this model takes whole rows only"
            )
        for position, column in self._whole:
            self._check_whole(column, matrix[:, position])
        for position, (column, allowed) in self._categories.items():
            _check_categories(column, matrix[:, position], allowed)

    def _check_whole(self, column: ColumnSpec, values: Matrix) -> None:
        wrong = (values != np.trunc(values)) & ~np.isnan(values)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InvalidRequest(
                f"input {column.name!r} is {float(values[row])!r} in row {row}: it takes whole numbers ({column.dtype})"
            )


def _check_id(request: InferenceRequest) -> None:
    if request.id is not None and len(request.id) > MAX_ID:
        raise InvalidRequest(f"the id {request.id[:40]!r}… has {len(request.id)} characters: send at most {MAX_ID}")


def _check_categories(column: ColumnSpec, values: Matrix, allowed: Matrix) -> None:
    wrong = ~np.isin(values, allowed) & ~np.isnan(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        known = ", ".join(f"{value:g}" for value in allowed[:20]) + (", …" if len(allowed) > 20 else "")
        raise InvalidRequest(
            f"input {column.name!r} is {float(values[row])!r} in row {row}, a category that training never saw:"
            f" known are {known}"
        )


def _values(tensor: RequestInput) -> Matrix:
    """The tensor's data, flat, as float64. Raises InvalidRequest."""
    datatype = str(tensor.datatype)
    if datatype not in DATATYPES:
        raise InvalidRequest(f"input {tensor.name!r} has datatype {datatype!r}: send one of {_listed(DATATYPES)}")
    if any(size < 0 for size in tensor.shape):
        raise InvalidRequest(f"input {tensor.name!r} has shape {tensor.shape!r}: sizes cannot be negative")
    flat = _flat(tensor)
    expected = prod(tensor.shape)
    if len(flat) != expected:
        raise InvalidRequest(
            f"input {tensor.name!r} has {len(flat)} values, but its shape {tensor.shape!r} says {expected}"
        )
    _check_kinds(tensor.name, datatype, flat)
    try:
        return np.array(flat, dtype=np.float64)  # None becomes NaN
    except OverflowError:
        raise InvalidRequest(f"input {tensor.name!r} contains a number that no FP64 can hold") from None


def _check_kinds(name: str, datatype: str, flat: list[Any]) -> None:
    whole = datatype.startswith("INT")
    kinds = set(map(type, flat))
    if kinds <= ({int} if whole else {int, float}):
        return
    for value in flat:
        if value is not None and type(value) not in (int, float):
            raise InvalidRequest(
                f"input {name!r} contains {value!r}: {datatype} takes numbers, and FP64 null if missing"
            )
        if whole and value is None:
            raise InvalidRequest(f"input {name!r} contains null: {datatype} has no missing value, send FP64")
        if whole and not float(value).is_integer():
            raise InvalidRequest(f"input {name!r} contains {value!r}: {datatype} takes whole numbers, send FP64")


def _flat(tensor: RequestInput) -> list[Any]:
    """Row-major values: JSON data is flat or nested as the shape says, gRPC data always flat. Raises InvalidRequest."""
    values = tensor.data.root
    if not isinstance(values, list):
        raise InvalidRequest(
            f"input {tensor.name!r} has data of type {type(values).__name__!r}: send a list of numbers"
        )
    if not values or not isinstance(values[0], list):
        return values
    fits = [len(values)] == tensor.shape[:1] and all(
        isinstance(row, list) and [len(row)] == tensor.shape[1:] for row in values
    )
    if not fits:
        raise InvalidRequest(f"input {tensor.name!r} has nested data that does not fit its shape {tensor.shape!r}")
    return [value for row in values for value in row]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:30])
    return f"{shown}, … ({len(names)} in all)" if len(names) > 30 else shown
