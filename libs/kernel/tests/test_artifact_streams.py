"""Artifacts that come in and go out piece by piece: whole or not at all, on a disk and in an object store alike."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import tracemalloc
import uuid
from pathlib import Path

import fsspec
import pytest
from small_disks import small_disk

from murmur_events.values import Artifact
from murmur_kernel import disk as disks
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, NoSpace, Transient
from murmur_kernel.testing import eventually

LARGE = bytes(range(256)) * 4096 * 3 + b"the end"
"""Three pieces and a bit."""


@pytest.fixture(params=["file", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}/artifacts" if request.param == "file" else f"memory://{uuid.uuid4().hex}/artifacts"


def held(root: str) -> list[str]:
    files, path = fsspec.core.url_to_fs(root)
    return sorted(str(found).removeprefix(path) for found in files.find(path))


async def received(store: ArtifactStore, data: bytes, *, piece: int = 65536, suffix: str = "") -> Artifact:
    async with store.receive() as incoming:
        for begin in range(0, len(data), piece):
            await incoming.write(data[begin : begin + piece])
        return await incoming.keep(suffix=suffix)


async def read(store: ArtifactStore, artifact: Artifact, begin: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.pieces(artifact, begin=begin, end=end)])


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
async def test_what_came_in_pieces_is_kept_as_if_it_had_come_at_once(root: str, data: bytes) -> None:
    store = ArtifactStore(root)
    artifact = await received(store, data, suffix=".bin")
    assert artifact == await store.put_bytes(data, suffix=".bin")
    assert await read(store, artifact) == data
    assert held(root) == [f"/{artifact.sha256[:2]}/{artifact.sha256}.bin"]


async def test_a_part_is_read_without_the_rest(root: str) -> None:
    store = ArtifactStore(root)
    artifact = await received(store, LARGE)
    assert await read(store, artifact, 5, 2**20 + 7) == LARGE[5 : 2**20 + 7]


async def test_of_what_was_not_kept_nothing_stays(root: str) -> None:
    async with ArtifactStore(root).receive() as incoming:
        await incoming.write(LARGE)
    assert held(root) == []


async def test_the_last_piece_of_a_changed_artifact_is_never_given(root: str) -> None:
    store = ArtifactStore(root)
    artifact = await received(store, LARGE)
    fsspec.filesystem(root.partition(":")[0]).pipe_file(artifact.uri, b"x" + LARGE[1:])
    given = bytearray()

    async def take_all() -> None:
        async for piece in store.pieces(artifact):
            given.extend(piece)

    with pytest.raises(ArtifactCorrupt, match=artifact.sha256):
        await take_all()
    assert len(given) < len(LARGE)


async def test_a_shortened_artifact_is_corrupt_in_parts_too(root: str) -> None:
    store = ArtifactStore(root)
    artifact = await received(store, LARGE)
    fsspec.filesystem(root.partition(":")[0]).pipe_file(artifact.uri, LARGE[:100])
    with pytest.raises(ArtifactCorrupt):
        await read(store, artifact, 50, 200)


async def test_receiving_the_same_again_mends_what_was_damaged(root: str) -> None:
    store = ArtifactStore(root)
    artifact = await received(store, LARGE)
    fsspec.filesystem(root.partition(":")[0]).pipe_file(artifact.uri, b"tampered")
    await received(store, LARGE)
    assert await read(store, artifact) == LARGE


async def test_a_missing_artifact_is_named(root: str) -> None:
    store = ArtifactStore(root)
    artifact = Artifact(uri=f"{root}/aa/{'a' * 64}", sha256="a" * 64, size=3)
    with pytest.raises(ArtifactMissing, match=artifact.sha256):
        await read(store, artifact)


async def test_two_who_receive_the_same_at_once_leave_one(root: str) -> None:
    store = ArtifactStore(root)
    first, second = await asyncio.gather(received(store, LARGE), received(store, LARGE))
    assert first == second
    assert len(held(root)) == 1
    assert await read(store, first) == LARGE


async def test_memory_does_not_grow_with_what_passes_through(tmp_path: Path) -> None:
    store = ArtifactStore(f"file://{tmp_path}/artifacts")
    tracemalloc.start()
    try:
        async with store.receive() as incoming:
            for _ in range(512):
                await incoming.write(bytes(2**17))
            artifact = await incoming.keep()
        size = 0
        async for piece in store.pieces(artifact):
            size += len(piece)
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == artifact.size == 64 * 2**20
    assert highest < 8 * 2**20


async def test_a_store_that_cannot_be_written_is_transient(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Transient, match="cannot store"):
        await received(ArtifactStore(f"file://{tmp_path}/file"), b"x")


async def test_a_disk_without_room_refuses_before_the_stores_beside_it_suffer(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", mebibytes=4 + disks.RESERVE // 2**20) as disk:
        store = ArtifactStore(f"file://{disk.path}/artifacts")
        with pytest.raises(NoSpace, match="make room"):
            await received(store, bytes(8 * 2**20))
        assert held(f"file://{disk.path}/artifacts") == []
        assert (await disks.has_room(disk.path))[0]
        assert (await received(store, bytes(2**20))).size == 2**20


_RECEIVER = """
import asyncio, sys
from murmur_kernel.artifacts import ArtifactStore
async def main():
    async with ArtifactStore(sys.argv[1]).receive() as incoming:
        await incoming.write(bytes(2**21))
        print("half", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_what_a_killed_process_left_half_written_is_swept_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    root = f"file://{tmp_path}/artifacts"
    store = ArtifactStore(root)
    command = [sys.executable, "-c", _RECEIVER, root]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220  # forking takes no time
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"half\n"
        assert await store.sweep() == 0
        assert len(held(root)) == 1

        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    assert await eventually(store.sweep) == 1
    assert held(root) == []


async def test_a_store_that_was_never_written_has_nothing_to_sweep(root: str) -> None:
    assert await ArtifactStore(root).sweep() == 0


async def test_what_is_received_is_named_by_its_own_digest_whatever_the_pieces(root: str) -> None:
    artifact = await received(ArtifactStore(root), LARGE, piece=1_000_003)
    assert artifact.sha256 == hashlib.sha256(LARGE).hexdigest()
