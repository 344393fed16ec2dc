"""Artifacts in an S3 store: the same promises as on a disk, against a server that speaks S3."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from s3_server import s3_server, use_s3

from murmur_events.values import Artifact
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing, Transient


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    use_s3(endpoint, monkeypatch, bucket="flock")
    return ArtifactStore("s3://flock/artifacts")


def objects_of(artifact: Artifact) -> list[str]:
    folder = artifact.uri.rpartition("/")[0]
    found: list[str] = fsspec.filesystem("s3", use_listings_cache=False).find(folder)
    return found


async def test_bytes_come_back_under_their_digest(store: ArtifactStore, tmp_path: Path) -> None:
    artifact = await store.put_bytes(b"a model", suffix=".ubj")

    assert artifact.uri == f"s3://flock/artifacts/{artifact.sha256[:2]}/{artifact.sha256}.ubj"
    assert await store.read_bytes(artifact) == b"a model"
    assert (await store.fetch(artifact, tmp_path / "copy")).read_bytes() == b"a model"


async def test_many_who_store_the_same_at_once_leave_one_whole_object(store: ArtifactStore) -> None:
    data = bytes(range(256)) * 8192

    stored = await asyncio.gather(*(store.put_bytes(data) for _ in range(8)))

    assert len(set(stored)) == 1
    assert await store.read_bytes(stored[0]) == data
    assert len(objects_of(stored[0])) == 1


async def test_a_changed_object_is_refused_and_storing_again_mends_it(store: ArtifactStore, tmp_path: Path) -> None:
    artifact = await store.put_bytes(b"to be changed")
    fsspec.filesystem("s3").pipe_file(artifact.uri, b"changed")

    with pytest.raises(ArtifactCorrupt, match=artifact.sha256):
        await store.fetch(artifact, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()

    await store.put_bytes(b"to be changed")
    assert await store.read_bytes(artifact) == b"to be changed"


async def test_a_missing_object_is_named(store: ArtifactStore) -> None:
    artifact = await store.put_bytes(b"to be removed")
    fsspec.filesystem("s3").rm(artifact.uri)

    with pytest.raises(ArtifactMissing, match=artifact.sha256):
        await store.read_bytes(artifact)


async def test_what_another_process_stored_is_seen_though_it_was_missing_a_moment_ago(store: ArtifactStore) -> None:
    later = ArtifactStore("s3://flock/artifacts")
    expected = Artifact(uri=(await store.put_bytes(b"first")).uri, sha256="0" * 64, size=5)
    fsspec.filesystem("s3").rm(expected.uri)
    with pytest.raises(ArtifactMissing):
        await later.read_bytes(expected)

    stored = await store.put_bytes(b"first")

    assert await later.read_bytes(stored) == b"first"


async def test_a_bucket_that_is_not_there_is_transient(store: ArtifactStore) -> None:
    with pytest.raises(Transient, match="cannot store"):
        await ArtifactStore("s3://nowhere/artifacts").put_bytes(b"x")


async def test_a_store_that_does_not_answer_is_transient(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    away = ArtifactStore("s3://flock/artifacts")

    with pytest.raises(Transient, match="cannot store"):
        await away.put_bytes(b"x")


async def test_what_comes_in_pieces_is_one_object_under_its_digest(store: ArtifactStore) -> None:
    """20 MiB are three parts for S3."""
    data = bytes(range(256)) * 4096 * 20

    async with store.receive() as incoming:
        for begin in range(0, len(data), 2**20):
            await incoming.write(data[begin : begin + 2**20])
        artifact = await incoming.keep(suffix=".bin")

    assert artifact == await store.put_bytes(data, suffix=".bin")
    assert b"".join([piece async for piece in store.pieces(artifact)]) == data
    assert b"".join([piece async for piece in store.pieces(artifact, begin=7, end=9_000_000)]) == data[7:9_000_000]
    assert fsspec.filesystem("s3", use_listings_cache=False).find("s3://flock/artifacts/incoming") == []


async def test_what_is_given_up_in_the_middle_becomes_no_object(store: ArtifactStore) -> None:
    async with store.receive() as incoming:
        await incoming.write(bytes(20 * 2**20))
    files = fsspec.filesystem("s3", use_listings_cache=False)
    assert files.find("s3://flock/artifacts/incoming") == []
    assert await store.sweep() == 0
