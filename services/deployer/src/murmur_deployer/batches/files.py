"""Files on their way in and out: streamed through the disk, never whole in memory."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

from murmur_deployer.batches.errors import InputTooLarge, InputUnusable
from murmur_deployer.batches.facts import artifact_of
from murmur_deployer.batches.ports import ArtifactFiles
from murmur_deployer.batches.rows import InputFile, csv_of_parquet, parquet_of_csv
from murmur_deployer.batches.spool import Spool
from murmur_deployer.disks import room_for
from murmur_deployer.domain.batch import Batch
from murmur_deployer.domain.batch_input import BatchInput, Column
from murmur_kernel.clock import Clock
from murmur_kernel.errors import NoSpace, Refused

FileFormat = Literal["parquet", "csv"]


class BatchFiles:
    """largest: bytes of a file that is taken."""

    def __init__(self, artifacts: ArtifactFiles, spool: Spool, clock: Clock, *, largest: int) -> None:
        self._artifacts = artifacts
        self._spool = spool
        self._clock = clock
        self._largest = largest

    async def take(self, pieces: AsyncIterator[bytes], format: FileFormat) -> BatchInput:
        """Keeps a file as an artifact, as Parquet. Raises InputTooLarge, InputUnusable, Transient (NoSpace)."""
        came = await asyncio.to_thread(self._spool.passing, f".{format}")
        table = came.with_suffix(".parquet")
        try:
            await self._write(pieces, came)
            if format == "csv":
                await asyncio.to_thread(parquet_of_csv, came, table)
            rows, columns = await asyncio.to_thread(_described, table)
            kept = await self._artifacts.put_file(table)
            return BatchInput(kept.sha256, kept.uri, kept.size, rows, columns, self._clock.now())
        finally:
            came.unlink(missing_ok=True)
            table.unlink(missing_ok=True)

    async def give(self, batch: Batch, format: FileFormat) -> Path:
        """The output as a file that whoever asks removes. Raises Refused, ArtifactError, Transient."""
        if batch.output is None:
            said = batch.failure.message if batch.failure else f"{batch.rows_done:,} rows are done"
            raise Refused(f"batch {batch.id!r} has no output, it is {batch.state.value}: {said}")
        table = await asyncio.to_thread(self._spool.passing, ".parquet")
        await self._artifacts.fetch(artifact_of(batch.output), table)
        if format == "parquet":
            return table
        text = table.with_suffix(".csv")
        try:
            await asyncio.to_thread(csv_of_parquet, table, text)
        except NoSpace:
            text.unlink(missing_ok=True)
            raise
        finally:
            table.unlink(missing_ok=True)
        return text

    async def _write(self, pieces: AsyncIterator[bytes], to: Path) -> None:
        size = 0
        with room_for("an input"), to.open("wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > self._largest:
                    raise InputTooLarge(self._largest)
                await asyncio.to_thread(file.write, piece)
        if not size:
            raise InputUnusable("input_unreadable", "the body is empty: send a Parquet or CSV file as it is")


def _described(path: Path) -> tuple[int, tuple[Column, ...]]:
    with InputFile(path) as file:
        return file.rows, file.columns
