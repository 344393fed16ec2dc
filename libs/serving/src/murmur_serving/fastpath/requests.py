"""Reads a V2 request in JSON straight into rows, or gives up; says nothing about why."""

from collections.abc import Sequence
from math import prod
from typing import Literal

import msgspec

from murmur_events.values import Signature
from murmur_serving.tensors import LARGEST, MAX_ID

Row = Sequence[float | None]
"""None is a missing value."""

_Values = list[float | list[float | None] | None]
_WHOLE = ("INT64", "INT32")


class Tensor(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    shape: list[int]
    datatype: Literal["FP64", "FP32", "INT64", "INT32"]
    data: _Values
    parameters: None = None


class Output(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    parameters: None = None


class Request(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Output] | None = None
    parameters: None = None


class Rows(msgspec.Struct, frozen=True):
    """At least one row, each with every column of the signature in its order, and checked against it."""

    request_id: str | None
    rows: list[Row]


class PlainReader:
    """Knows the same rules as `tensors.RequestReader`; accepts nothing that that one refuses."""

    def __init__(self, signature: Signature, *, missing: bool) -> None:
        self._columns = tuple(column.name for column in signature.inputs)
        self._names = frozenset(self._columns)
        self._output = signature.output
        self._missing = missing
        self._whole = tuple(place for place, column in enumerate(signature.inputs) if column.dtype != "float")
        self._categories = tuple(
            (place, frozenset((*column.categories, None)))
            for place, column in enumerate(signature.inputs)
            if column.dtype == "category" and column.categories
        )
        self._decode = msgspec.json.Decoder(Request).decode

    def read(self, body: bytes) -> Rows | None:
        try:
            request = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return None if request.id == "" else self.rows(request)  # MLServer has a way of its own with an empty one

    def rows(self, request: Request) -> Rows | None:
        if request.id is not None and len(request.id) > MAX_ID:
            return None
        if request.outputs and any(output.name != self._output for output in request.outputs):
            return None
        rows = self._table(request.inputs)
        return Rows(request.id, rows) if rows and all(map(self.fits, rows)) else None

    def fits(self, row: Row) -> bool:
        """Whether a row of the right length holds what the signature allows."""
        known = [value for value in row if value is not None] if None in row else row
        if known is not row and not self._missing:
            return False
        if known and not -LARGEST <= min(known) <= max(known) <= LARGEST:  # type: ignore[type-var,operator]
            return False
        for place in self._whole:
            value = row[place]
            if value is not None and not value.is_integer():
                return False
        return all(row[place] in allowed for place, allowed in self._categories)

    def _table(self, inputs: list[Tensor]) -> list[Row] | None:
        width = len(self._columns)
        if len(inputs) == 1 and width > 1 and inputs[0].name not in self._names:
            tensor = inputs[0]
            if len(tensor.shape) != 2 or tensor.shape[1] != width:
                return None
            values = _flat(tensor)
            return None if values is None else [values[at : at + width] for at in range(0, len(values), width)]
        return self._by_column(inputs)

    def _by_column(self, inputs: list[Tensor]) -> list[Row] | None:
        columns: dict[str, Row] = {}
        for tensor in inputs:
            values = _flat(tensor)
            if values is None or not tensor.shape or tensor.shape[1:] not in ([], [1]):
                return None
            columns[tensor.name] = values
        if len(inputs) != len(self._columns) or columns.keys() != self._names:
            return None
        ordered = [columns[name] for name in self._columns]
        if any(len(values) != len(ordered[0]) for values in ordered):
            return None
        return list(zip(*ordered, strict=True))


def _flat(tensor: Tensor) -> Row | None:
    """The values, row by row; None where they are not what shape and datatype say."""
    values, shape = tensor.data, tensor.shape
    if values and type(values[0]) is list:
        if [len(values)] != shape[:1] or any(type(row) is not list or [len(row)] != shape[1:] for row in values):
            return None
        values = [value for row in values for value in row]  # type: ignore[union-attr]
    elif len(values) != prod(shape) or min(shape, default=-1) < 0 or list in set(map(type, values)):
        return None
    if tensor.datatype in _WHOLE and not all(type(value) is float and value.is_integer() for value in values):
        return None
    return values  # type: ignore[return-value]
