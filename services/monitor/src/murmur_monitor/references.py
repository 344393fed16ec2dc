"""The reference windows of versions, read from the artifact store and kept while they are in use."""

import asyncio
from collections import OrderedDict
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from murmur_kernel.artifacts import ArtifactStore
from murmur_monitor.domain.comparison import Reference
from murmur_monitor.domain.folding import OUTPUT
from murmur_monitor.ports import UnreadableReference
from murmur_monitor.repository import KnownVersion

_KEPT = 8
_ROWS = 20_000
"""More rows make no test sharper that compares them with a window's sample; of more, every n-th one is taken."""


class ArtifactReferences:
    """Reads Parquet; remembers the last few."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._kept: OrderedDict[str, Reference] = OrderedDict()

    async def of(self, version: KnownVersion) -> Reference:
        """What the version was made with. Raises ArtifactError, UnreadableReference, Transient."""
        if version.id not in self._kept:
            data = await self._artifacts.read_bytes(version.reference)
            self._kept[version.id] = await asyncio.to_thread(_parsed, data, version)
        self._kept.move_to_end(version.id)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[version.id]


def _parsed(data: bytes, version: KnownVersion) -> Reference:
    names = (*version.columns, OUTPUT)
    try:
        table = parquet.read_table(BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise UnreadableReference(version, f"is no Parquet file ({error})") from error
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise UnreadableReference(version, f"lacks the columns {missing!r}")
    if not table.num_rows:
        raise UnreadableReference(version, "has no rows")
    every = -(-table.num_rows // _ROWS)
    try:
        columns = [table[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in names]
    except pa.ArrowException as error:
        raise UnreadableReference(version, f"has a column that is not numeric ({error})") from error
    with np.errstate(over="ignore"):
        values = np.stack(columns, axis=1)[::every].astype(np.float32)
    return Reference(version.columns, frozenset(version.categories), values)
