"""What a segment file is made of: blocks, each with the rows of requests that were answered together.

A block is a frame (mark, checksum, two lengths), a head in MessagePack, and the features as they went into the model:
float64, little-endian, row by row: numbers as they are need not be printed here and read again.
"""

import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import compress
from typing import Self
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

_FRAME = struct.Struct("<4sIII")
MARK = b"\x93MPL"
_FLOAT = np.dtype("<f8")

Features = NDArray[np.float64]
"""[rows, columns]; NaN is a missing value."""


class Rows(msgspec.Struct, frozen=True):
    """Whose answer each row is part of, how long it took and in which trace: lists with one entry a row."""

    request_ids: list[str]
    seconds: list[float]
    traces: list[str]

    @classmethod
    def of_request(cls, request_id: str, seconds: float, trace: str = "", *, rows: int = 1) -> Self:
        return cls([request_id] * rows, [seconds] * rows, [trace] * rows)

    def only(self, chosen: Sequence[bool]) -> "Rows":
        ids, seconds, traces = self.request_ids, self.seconds, self.traces
        return Rows(list(compress(ids, chosen)), list(compress(seconds, chosen)), list(compress(traces, chosen)))


class Head(msgspec.Struct, array_like=True, frozen=True):
    """Of the rows of one block: lists have one entry a row. batch: they were asked for a batch."""

    at: datetime
    status: int
    batch: bool
    request_ids: list[str]
    seconds: list[float]
    traces: list[str]
    outputs: list[float | None]


class Block(msgspec.Struct, frozen=True):
    """features: None where nothing was predicted. begin, end: bytes from where reading began."""

    head: Head
    features: Features | None
    begin: int
    end: int

    @property
    def rows(self) -> int:
        return len(self.head.request_ids)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Head).decode


def pack(
    rows: Rows,
    at: datetime,
    *,
    status: int,
    batch: bool,
    features: Features | None,
    outputs: Sequence[float] | None,
    most_rows: int,
) -> bytes:
    """Blocks of at most `most_rows` rows. features, outputs: of these rows; None: nothing was predicted."""
    count = len(rows.request_ids)
    answered: Sequence[float | None] = [None] * count if outputs is None else outputs
    blocks: list[bytes] = []
    for begin in range(0, count, most_rows):
        part = slice(begin, begin + most_rows)
        head = _encode(
            Head(at, status, batch, rows.request_ids[part], rows.seconds[part], rows.traces[part], list(answered[part]))
        )
        content = b"" if features is None else features[part].astype(_FLOAT, copy=False).tobytes()
        blocks += (_FRAME.pack(MARK, crc32(content, crc32(head)), len(head), len(content)), head, content)
    return b"".join(blocks)


def blocks_in(content: bytes, columns: int) -> Iterator[Block]:
    """Whole blocks, in their order. What a power cut has garbled is passed over, and so is what is of another width."""
    place = content.find(MARK)
    while place >= 0:
        end = place + size_at(content, place)
        block = _block(content, place, end, columns) if end <= len(content) else None
        if block is not None:
            yield block
        place = content.find(MARK, place + 1 if block is None else end)


def size_at(content: bytes, place: int = 0) -> int:
    """Bytes of the block that begins at `place`; 0 if none does."""
    if len(content) < place + _FRAME.size:
        return 0
    mark, _, head, features = _FRAME.unpack_from(content, place)
    return _FRAME.size + head + features if mark == MARK else 0


def _block(content: bytes, place: int, end: int, columns: int) -> Block | None:
    """None where it is not whole."""
    if end <= place:
        return None
    _, checksum, of_head, of_features = _FRAME.unpack_from(content, place)
    begin = place + _FRAME.size
    if crc32(memoryview(content)[begin:end]) != checksum:
        return None
    try:
        head = _decode(content[begin : begin + of_head])
    except msgspec.MsgspecError:
        return None
    if not of_features:
        return Block(head, None, place, end)
    if of_features != len(head.request_ids) * columns * _FLOAT.itemsize:
        return None
    matrix = np.frombuffer(content, _FLOAT, offset=begin + of_head, count=of_features // _FLOAT.itemsize)
    return Block(head, matrix.reshape(-1, columns), place, end)
