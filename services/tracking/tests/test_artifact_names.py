"""Names on a disk and in an object store: one contract."""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from s3_server import s3_server, use_s3

from murmur_kernel.artifact_files import file_system
from murmur_tracking.mlflow_api.artifacts import Claim, Entry, Names, open_names
from murmur_tracking.mlflow_api.artifacts.claims import NameTaken

Making = Callable[[str], Claim]
NOON = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """Names, and claims on bytes that are really there."""

    names: Names
    url: str

    def claim(self, text: str) -> Claim:
        files, base = file_system(self.url)
        digest = hashlib.sha256(text.encode()).hexdigest()
        files.makedirs(f"{base}/{digest[:2]}", exist_ok=True)
        files.pipe_file(f"{base}/{digest[:2]}/{digest}.txt", text.encode())
        return Claim(f"{self.url}/{digest[:2]}/{digest}.txt", digest, len(text.encode()), NOON)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture(params=["file", "memory", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    if request.param == "s3":
        use_s3(request.getfixturevalue("endpoint"), monkeypatch, bucket="flock")
    somewhere = {"file": f"{tmp_path}", "memory": uuid.uuid4().hex, "s3": f"flock/{uuid.uuid4().hex}"}[request.param]
    url = f"{request.param}://{somewhere}/artifacts"
    return Kept(open_names(url), url)


@pytest.fixture
def names(kept: Kept) -> Names:
    return kept.names


@pytest.fixture
def claim(kept: Kept) -> Making:
    return kept.claim


@pytest.fixture
def on_disk(tmp_path: Path) -> Kept:
    url = f"file://{tmp_path}/artifacts"
    return Kept(open_names(url), url)


def listed(names: Names, path: str) -> list[tuple[str, Claim | None]]:
    return [(entry.name, entry.claim) for entry in names.entries(path)]


def test_a_name_stands_for_what_was_put_there_last(names: Names, claim: Making) -> None:
    names.put("w/1/a.txt", claim("first"))
    names.put("w/1/a.txt", claim("second"))
    assert names.get("w/1/a.txt") == claim("second")
    assert listed(names, "w/1") == [("a.txt", claim("second"))]


def test_nothing_stands_for_nothing(names: Names) -> None:
    assert names.get("w/1/a.txt") is None
    assert names.entries("w/1") == []
    assert not names.is_folder("w/1")


def test_a_folder_is_listed_by_name_and_without_what_lies_deeper(names: Names, claim: Making) -> None:
    for path in ("w/1/b.txt", "w/1/deep/er/c.txt", "w/1/a.txt", "w/10/other.txt"):
        names.put(path, claim(path))
    assert names.entries("w/1") == [
        Entry("a.txt", claim("w/1/a.txt")),
        Entry("b.txt", claim("w/1/b.txt")),
        Entry("deep"),
    ]
    assert [name for name, _ in listed(names, "w")] == ["1", "10"]
    assert names.is_folder("w/1/deep")


def test_a_file_has_no_entries_and_a_folder_stands_for_nothing(names: Names, claim: Making) -> None:
    names.put("w/1/a.txt", claim("x"))
    assert names.entries("w/1/a.txt") == []
    assert not names.is_folder("w/1/a.txt")
    assert names.get("w/1") is None
    assert names.get("w/1/a.txt/b") is None


@pytest.mark.parametrize("name", ["a*b", "[x]", "100%", "what? is", "back\\slash", ".part", "größe 日本", "~", "a::b"])
def test_whatever_a_name_is_made_of_it_is_itself_alone(names: Names, claim: Making, name: str) -> None:
    names.put("w/1/axb", claim("another"))
    names.put(f"w/1/{name}", claim(name))
    names.put(f"w/{name}/inside", claim("inside"))
    assert names.get(f"w/1/{name}") == claim(name)
    assert (name, claim(name)) in listed(names, "w/1")
    assert listed(names, f"w/{name}") == [("inside", claim("inside"))]
    names.delete(f"w/1/{name}")
    assert listed(names, "w/1") == [("axb", claim("another"))]


def test_a_folder_is_deleted_with_all_in_it_and_nothing_else(names: Names, claim: Making) -> None:
    for path in ("w/1/a", "w/1/deep/b", "w/12/c", "w2/1/d"):
        names.put(path, claim(path))
    names.delete("w/1")
    names.delete("w/1")
    names.delete("w/12/c/not-there")
    assert names.get("w/1/deep/b") is None
    assert names.get("w/12/c") == claim("w/12/c")
    names.delete("w")
    assert names.entries("w") == []
    assert names.get("w2/1/d") == claim("w2/1/d")


def test_a_folder_cannot_be_a_file_too(on_disk: Kept, tmp_path: Path) -> None:
    """On a disk. An object store does not mind, and says nothing."""
    names, claim = on_disk.names, on_disk.claim
    names.put("w/1/a/b", claim("x"))
    with pytest.raises(NameTaken):
        names.put("w/1/a", claim("y"))
    with pytest.raises(NameTaken):
        names.put("w/1/a/b/c", claim("y"))
    assert names.get("w/1/a/b") == claim("x")
    assert list((tmp_path / "artifacts" / "incoming").iterdir()) == []


def test_whoever_looks_at_the_disk_sees_what_clients_see(on_disk: Kept, tmp_path: Path) -> None:
    on_disk.names.put("w/0/run/artifacts/deep/a.txt", on_disk.claim("hello"))
    assert (tmp_path / "artifacts/mlflow/w/0/run/artifacts/deep/a.txt").read_text() == "hello"


def test_a_store_that_was_moved_has_its_names_and_their_bytes_with_it(on_disk: Kept, tmp_path: Path) -> None:
    on_disk.names.put("w/1/a.txt", on_disk.claim("hello"))
    (tmp_path / "artifacts").rename(tmp_path / "elsewhere")
    found = open_names(f"file://{tmp_path}/elsewhere").get("w/1/a.txt")
    assert found is not None
    assert found.size == 5
    assert Path(found.uri.removeprefix("file://")).read_text() == "hello"


def test_a_name_whose_bytes_are_gone_is_still_a_name(on_disk: Kept) -> None:
    lost = on_disk.claim("lost")
    on_disk.names.put("w/1/a.txt", lost)
    Path(lost.uri.removeprefix("file://")).unlink()
    assert on_disk.names.get("w/1/a.txt") == replace(lost, size=0)
    assert [entry.name for entry in on_disk.names.entries("w/1")] == ["a.txt"]


async def test_names_are_put_though_their_folder_is_deleted_whenever_there_is_one(on_disk: Kept) -> None:
    names, claim = on_disk.names, on_disk.claim
    over = asyncio.Event()

    async def keep_deleting() -> None:
        while not over.is_set():
            if await asyncio.to_thread(names.entries, "w/1/deep"):
                await asyncio.to_thread(names.delete, "w/1")

    async with asyncio.TaskGroup() as group:
        deleting = group.create_task(keep_deleting())
        for number in range(100):
            await asyncio.to_thread(names.put, f"w/1/deep/{number}", claim("x"))
        over.set()
        await deleting
    names.put("w/1/deep/last", claim("x"))
    assert names.get("w/1/deep/last") == claim("x")
