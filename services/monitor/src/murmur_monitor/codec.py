"""A fold as bytes, the form in which Faust keeps it and writes it to its changelog."""

import json

import numpy as np

from murmur_monitor.domain.folding import BUCKETS, Fold, Sample
from murmur_monitor.domain.windows import Window
from murmur_monitor.ports import FoldKey

_LENGTH = 4
_PLACE = b"next "


def encode(fold: Fold) -> bytes:
    """A JSON head behind its length, then the arrays, little-endian, one after the other."""
    head = {
        "model": fold.model,
        "offset": fold.offset,
        "segments": dict(fold.segments),
        "rows": fold.rows,
        "errors": fold.errors,
        "outputs": fold.outputs,
        "output_sum": fold.output_sum,
        "columns": fold.sample.columns,
        "sampled": len(fold.sample.ranks),
    }
    text = json.dumps(head).encode()
    arrays = (
        fold.latencies.astype("<i8"),
        fold.sample.ranks.astype("<u8"),
        fold.sample.values.astype("<f4"),
    )
    return b"".join([len(text).to_bytes(_LENGTH, "little"), text, *(array.tobytes() for array in arrays)])


def decode(data: bytes) -> Fold:
    """The fold again, equal in every bit; its arrays are read-only views of `data`."""
    begin = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    head = json.loads(data[_LENGTH:begin])
    columns, sampled = tuple(head.pop("columns")), head.pop("sampled")
    latencies = np.frombuffer(data, "<i8", BUCKETS, begin)
    begin += latencies.nbytes
    ranks = np.frombuffer(data, "<u8", sampled, begin)
    begin += ranks.nbytes
    values = np.frombuffer(data, "<f4", offset=begin).reshape(sampled, len(columns) + 1)
    return Fold(**head, latencies=latencies, sample=Sample(columns, ranks, values))


def encode_key(key: FoldKey) -> bytes:
    return json.dumps([key.partition, key.deployment, key.version, key.window.start, key.window.end]).encode()


def decode_key(data: bytes) -> FoldKey:
    partition, deployment, version, start, end = json.loads(data)
    return FoldKey(partition, deployment, version, Window(start, end))


def encode_place(partition: int) -> bytes:
    """The key under which the table of folds holds the offset that stands next in a partition."""
    return _PLACE + str(partition).encode()


def is_place(key: bytes) -> bool:
    return key.startswith(_PLACE)
