"""A disk that is full passes: nothing is given up for it, and nothing of what found no room stays there."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from batch_harness import CHUNK_ROWS, BatchHarness, rows
from small_disks import SmallDisk, small_disk

from murmur_deployer.batches.chunks import Scored
from murmur_deployer.batches.rows import csv_of_parquet, parquet_of_csv
from murmur_deployer.batches.testing import parquet_bytes
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.local.servers import LocalModelServers
from murmur_deployer.testing import version_state
from murmur_deployer.turns import Turns
from murmur_events.batches import BatchCompleted
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import NoSpace


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", mebibytes=2) as mounted:
        yield mounted


async def test_a_batch_waits_for_room_and_goes_on_where_it_was(disk: SmallDisk) -> None:
    batches = BatchHarness("memory", disk.path)
    async with batches.kernel:
        await batches.serve(1)
        await batches.ask(await batches.sent(rows(1500)))
        batches.scorer.dies_at = 4
        with suppress(asyncio.CancelledError):
            await batches.kernel.run_jobs()
        await batches.kernel.store.disown("harness")
        disk.fill()
        for _ in range(10):  # more often than an attempt that fails is repeated
            batches.kernel.clock.advance(60)
            await batches.kernel.run_jobs()
        assert (await batches.batch()).rows_done == CHUNK_ROWS
        assert batches.kernel.published == []
        assert [path.name for path in batches.spool.input("b-1").parent.glob(".*")] == []

        disk.make_room()
        batches.kernel.clock.advance(60)
        await batches.run()
        [fact] = batches.kernel.take_published()
        assert isinstance(fact, BatchCompleted)
        asked = [name.split("/")[1] for name, _ in batches.scorer.asked]
        assert asked.count("000000") == 3, "what was recorded is not scored again"


async def test_an_output_that_finds_no_room_leaves_nothing(disk: SmallDisk) -> None:
    batches = BatchHarness("memory", disk.path)
    spool = batches.spool
    spool.input("b-1").parent.mkdir(parents=True)
    spool.write("b-1", 0, 0, Scored([0.5] * 1000, [None] * 1000), "probability")
    disk.fill()
    with pytest.raises(NoSpace, match="the output of batch 'b-1'"):
        spool.join("b-1", 1)
    assert [path.name for path in spool.input("b-1").parent.iterdir()] == ["000000.parquet"]


def test_a_table_that_finds_no_room_is_not_called_a_wrong_one(disk: SmallDisk, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b\n" + "1.5,2\n" * 5000)
    (tmp_path / "in.parquet").write_bytes(parquet_bytes(rows(5000)))
    disk.fill()
    with pytest.raises(NoSpace):
        parquet_of_csv(tmp_path / "in.csv", disk.path / "out.parquet")
    with pytest.raises(NoSpace):
        csv_of_parquet(tmp_path / "in.parquet", disk.path / "out.csv")


async def test_a_replica_that_finds_no_room_is_no_version_that_cannot_serve(disk: SmallDisk, tmp_path: Path) -> None:
    artifacts = ArtifactStore(f"file://{tmp_path}/artifacts")
    state = await version_state(artifacts, version=1, model=b"")
    nothing = state.artifacts.model_copy(update={"reference": state.artifacts.model})  # so its settings find no room
    async with httpx.AsyncClient() as http:
        servers = LocalModelServers(
            artifacts,
            http,
            replicas=disk.path / "replicas",
            predictions=tmp_path,
            logs=tmp_path,
            brokers=None,
            host="127.0.0.1",
            ports=range(0),
            turns=Turns(tmp_path / "turns"),
        )
        disk.fill()
        with pytest.raises(NoSpace, match="replica 'credit-v1-1'"):
            await servers.start(
                Replica("credit-v1-1", "credit", 1, 9, 10), state.model_copy(update={"artifacts": nothing})
            )
