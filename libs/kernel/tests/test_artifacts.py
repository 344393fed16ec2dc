"""Artifacts: the same bytes under the same name, and no changed byte ever read."""

import hashlib
import tracemalloc
from pathlib import Path

import pytest

from murmur_events.values import Artifact
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, Transient


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(f"file://{tmp_path}/artifacts")


async def test_bytes_come_back_and_equal_bytes_are_stored_once(artifacts: ArtifactStore, tmp_path: Path) -> None:
    first = await artifacts.put_bytes(b"model", suffix=".ubj")
    second = await artifacts.put_bytes(b"model", suffix=".ubj")
    assert first == second
    assert await artifacts.read_bytes(first) == b"model"
    assert len([path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]) == 1


async def test_a_file_is_fetched_whole(artifacts: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "m.ubj").write_bytes(b"model")
    artifact = await artifacts.put_file(tmp_path / "m.ubj")
    copy = await artifacts.fetch(artifact, tmp_path / "deep" / "copy.ubj")
    assert copy.read_bytes() == b"model"


async def test_a_changed_artifact_is_refused_with_both_digests(artifacts: ArtifactStore, tmp_path: Path) -> None:
    artifact = await artifacts.put_bytes(b"model")
    Path(artifact.uri.removeprefix("file://")).write_bytes(b"tampered")
    with pytest.raises(ArtifactCorrupt, match=artifact.sha256):
        await artifacts.fetch(artifact, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_an_artifact_is_checked_without_a_copy(artifacts: ArtifactStore, tmp_path: Path) -> None:
    artifact = await artifacts.put_bytes(b"model")
    await artifacts.check(artifact)
    Path(artifact.uri.removeprefix("file://")).write_bytes(b"tampered")
    with pytest.raises(ArtifactCorrupt, match=artifact.sha256):
        await artifacts.check(artifact)
    Path(artifact.uri.removeprefix("file://")).unlink()
    with pytest.raises(ArtifactMissing):
        await artifacts.check(artifact)


async def test_storing_the_same_again_mends_a_damaged_artifact(artifacts: ArtifactStore) -> None:
    artifact = await artifacts.put_bytes(b"model")
    Path(artifact.uri.removeprefix("file://")).write_bytes(b"tampered")
    await artifacts.put_bytes(b"model")
    assert await artifacts.read_bytes(artifact) == b"model"


async def test_a_missing_artifact_is_named(artifacts: ArtifactStore) -> None:
    artifact = await artifacts.put_bytes(b"model")
    Path(artifact.uri.removeprefix("file://")).unlink()
    with pytest.raises(ArtifactMissing, match=artifact.sha256):
        await artifacts.read_bytes(artifact)


async def test_a_store_that_cannot_be_written_is_transient(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Transient, match="cannot store"):
        await ArtifactStore(f"file://{tmp_path}/file").put_bytes(b"x")


async def test_a_store_that_was_moved_reads_what_names_its_former_place(tmp_path: Path) -> None:
    written = await ArtifactStore(f"file://{tmp_path}/before").put_bytes(b"model", suffix=".ubj")
    (tmp_path / "before").rename(tmp_path / "after")
    assert await ArtifactStore(f"file://{tmp_path}/after").read_bytes(written) == b"model"


async def test_a_file_larger_than_memory_would_be_kept_and_fetched(artifacts: ArtifactStore, tmp_path: Path) -> None:
    """64 MiB pass through in pieces."""
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(64 * 2**20)
    tracemalloc.start()
    try:
        artifact = await artifacts.put_file(large)
        copy = await artifacts.fetch(artifact, tmp_path / "copy")
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (copy.stat().st_size, artifact.size) == (64 * 2**20, 64 * 2**20)
    assert highest < 8 * 2**20


async def test_what_others_name_is_looked_for_in_this_store(artifacts: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    named = Artifact(uri=f"file://{tmp_path}/secret.txt", sha256=digest, size=6)
    assert await artifacts.read_bytes(named) == b"secret"
    with pytest.raises(ArtifactMissing):
        await artifacts.fetch(artifacts.own(named, suffix=".txt"), tmp_path / "copy")
    kept = await artifacts.put_bytes(b"secret", suffix=".txt")
    assert artifacts.own(named, suffix=".txt") == kept
