"""Names on a disk and in an object store: one contract."""

import asyncio
import hashlib
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from murmur_events.values import Artifact
from murmur_tracking.mlflow_api.artifacts import Claim, Entry, Names, open_names
from murmur_tracking.mlflow_api.artifacts.claims import NameTaken, claim_of


def claim(text: str) -> Claim:
    digest = hashlib.sha256(text.encode()).hexdigest()
    artifact = Artifact(uri=f"file:///x/{digest[:2]}/{digest}", sha256=digest, size=len(text))
    return claim_of(artifact, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.fixture(params=["file", "memory"])
def names(request: pytest.FixtureRequest, tmp_path: Path) -> Names:
    local = request.param == "file"
    return open_names(f"file://{tmp_path}/artifacts" if local else f"memory://{uuid.uuid4().hex}/artifacts")


def listed(names: Names, path: str) -> list[tuple[str, Claim | None]]:
    return [(entry.name, entry.claim) for entry in names.entries(path)]


def test_a_name_stands_for_what_was_put_there_last(names: Names) -> None:
    names.put("w/1/a.txt", claim("first"))
    names.put("w/1/a.txt", claim("second"))
    assert names.get("w/1/a.txt") == claim("second")
    assert listed(names, "w/1") == [("a.txt", claim("second"))]


def test_nothing_stands_for_nothing(names: Names) -> None:
    assert names.get("w/1/a.txt") is None
    assert names.entries("w/1") == []
    assert not names.is_folder("w/1")


def test_a_folder_is_listed_by_name_and_without_what_lies_deeper(names: Names) -> None:
    for path in ("w/1/b.txt", "w/1/deep/er/c.txt", "w/1/a.txt", "w/10/other.txt"):
        names.put(path, claim(path))
    assert names.entries("w/1") == [
        Entry("a.txt", claim("w/1/a.txt")),
        Entry("b.txt", claim("w/1/b.txt")),
        Entry("deep"),
    ]
    assert [name for name, _ in listed(names, "w")] == ["1", "10"]
    assert names.is_folder("w/1/deep")


def test_a_file_has_no_entries_and_a_folder_stands_for_nothing(names: Names) -> None:
    names.put("w/1/a.txt", claim("x"))
    assert names.entries("w/1/a.txt") == []
    assert not names.is_folder("w/1/a.txt")
    assert names.get("w/1") is None
    assert names.get("w/1/a.txt/b") is None


@pytest.mark.parametrize("name", ["a*b", "[x]", "100%", "what? is", "back\\slash", ".part", "größe 日本", "~", "a::b"])
def test_whatever_a_name_is_made_of_it_is_itself_alone(names: Names, name: str) -> None:
    names.put("w/1/axb", claim("another"))
    names.put(f"w/1/{name}", claim(name))
    names.put(f"w/{name}/inside", claim("inside"))
    assert names.get(f"w/1/{name}") == claim(name)
    assert (name, claim(name)) in listed(names, "w/1")
    assert listed(names, f"w/{name}") == [("inside", claim("inside"))]
    names.delete(f"w/1/{name}")
    assert listed(names, "w/1") == [("axb", claim("another"))]


def test_a_folder_is_deleted_with_all_in_it_and_nothing_else(names: Names) -> None:
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


def test_a_folder_cannot_be_a_file_too(tmp_path: Path) -> None:
    """On a disk. An object store does not mind, and says nothing."""
    names = open_names(f"file://{tmp_path}/artifacts")
    names.put("w/1/a/b", claim("x"))
    with pytest.raises(NameTaken):
        names.put("w/1/a", claim("y"))
    with pytest.raises(NameTaken):
        names.put("w/1/a/b/c", claim("y"))
    assert names.get("w/1/a/b") == claim("x")
    assert list((tmp_path / "artifacts" / "incoming").iterdir()) == []


async def test_names_are_put_though_their_folder_is_deleted_whenever_there_is_one(tmp_path: Path) -> None:
    names = open_names(f"file://{tmp_path}/artifacts")
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
