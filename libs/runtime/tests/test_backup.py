"""What a backup holds, what it leaves alone, and what is refused on the way back."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import pytest
from small_disks import small_disk

from murmur_runtime import flock
from murmur_runtime.backup import back_up, restore
from murmur_runtime.backup.cut import all_writers_held, copy_store
from murmur_runtime.backup.growing import GrowingFolder
from murmur_runtime.errors import BackupFailed, BackupUnusable, RestoreFailed
from murmur_runtime.home import Home
from murmur_runtime.locks import exclusive, try_exclusive
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members
from murmur_runtime.progress import Progress, Step
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually


def store(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value INTEGER)")
        write(path, value)
    return path


def write(path: Path, value: int) -> None:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("INSERT INTO kept VALUES (?)", (value,))


def values(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


@pytest.fixture
def settings(tmp_path: Path) -> FlockSettings:
    """A flock at rest: two stores, a log, an artifact."""
    home = tmp_path / "home"
    store(home / "stores" / "registry.db", 1)
    store(home / "stores" / "tracking.db", 2)
    (home / "kafka" / "data" / "run.started-0").mkdir(parents=True)
    (home / "kafka" / "data" / "run.started-0" / "0.log").write_bytes(b"records")
    (home / "artifacts" / "ab").mkdir(parents=True)
    (home / "artifacts" / "ab" / "abcd.ubj").write_bytes(b"model")
    return FlockSettings(home=home, port=free_front_door())


Raise = Callable[[FlockSettings], AbstractAsyncContextManager[Members]]


@pytest.fixture
def raised(two_tiny: Callable[[FlockSettings], Members]) -> Raise:
    """A flock of two tiny services, up until the test has ended."""

    @asynccontextmanager
    async def raising(settings: FlockSettings) -> AsyncIterator[Members]:
        members = two_tiny(settings)
        await flock.up(settings, members=members)
        try:
            yield members
        finally:
            await asyncio.shield(flock.down(settings))

    return raising


def ready(settings: FlockSettings) -> bool:
    found = flock.status(settings)
    return found is not None and found.ready


def test_nobody_commits_to_any_store_while_the_cut_is_made(tmp_path: Path) -> None:
    stores = [store(tmp_path / "a.db", 1), store(tmp_path / "b.db", 1)]
    with all_writers_held(stores) as readers:
        for path in stores:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                write(path, 2)
    for reader in readers:
        reader.close()


def test_a_store_is_copied_as_it_was_at_the_cut_though_it_is_written_to_again(tmp_path: Path) -> None:
    path = store(tmp_path / "a.db", 1)
    with all_writers_held([path]) as (reader,):
        pass
    write(path, 2)
    copy_store(reader, tmp_path / "copy.db")
    assert values(path) == [1, 2]
    assert values(tmp_path / "copy.db") == [1]


async def test_every_artifact_that_a_backup_names_is_in_it(settings: FlockSettings, tmp_path: Path) -> None:
    """Clients upload while it is made, and delete: first come the bytes and then the name; names go, bytes stay."""
    artifacts = settings.home / "artifacts"

    def upload(name: str) -> None:
        (artifacts / f"{name}.bin").write_bytes(b"bytes")
        (artifacts / "mlflow" / "default").mkdir(parents=True, exist_ok=True)
        (artifacts / "mlflow" / "default" / name).symlink_to(f"../../{name}.bin")

    def meanwhile(step: Progress) -> None:
        if step == Step("Copying artifacts"):
            (artifacts / "mlflow" / "default" / "old.part").unlink()
            upload("new")

    upload("old.part")
    to = tmp_path / "backup"
    await back_up(settings, to, emit=meanwhile)
    assert [path.name for path in (to / "artifacts" / "mlflow").rglob("*") if path.is_file()] == ["old.part"]
    assert (to / "artifacts" / "old.part.bin").read_bytes() == b"bytes"
    assert (to / "artifacts" / "ab" / "abcd.ubj").read_bytes() == b"model"


async def test_a_name_of_an_artifact_leads_to_its_bytes_again_after_a_restore(
    settings: FlockSettings, tmp_path: Path
) -> None:
    name = settings.home / "artifacts" / "mlflow" / "default" / "model.ubj"
    name.parent.mkdir(parents=True)
    name.symlink_to("../../ab/abcd.ubj")
    backup = tmp_path / "backup"
    await back_up(settings, backup)
    shutil.rmtree(settings.home)

    await restore(settings, backup)

    assert name.is_symlink()
    assert name.read_bytes() == b"model"
    (backup / "artifacts" / "mlflow" / "default" / "model.ubj").unlink()
    (backup / "artifacts" / "mlflow" / "default" / "model.ubj").symlink_to("../../../artifacts/ab/abcd.ubj")
    with pytest.raises(BackupUnusable, match=r"model\.ubj"):
        await restore(settings, backup)


def test_the_second_pass_copies_what_was_added_replaced_and_removed(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    for name in ("grows.log", "cleaned.log", "gone.log", "checkpoint", "left.index"):
        (source / name).write_bytes(b"0123456789")
    folder = GrowingFolder(source, copy)
    assert folder.copy() == 40
    with (source / "grows.log").open("ab") as stream:
        stream.write(b"abc")
    (source / "cleaned.log.swap").write_bytes(b"compacted, longer than it was")
    (source / "cleaned.log.swap").replace(source / "cleaned.log")
    (source / "gone.log").unlink()
    (source / "checkpoint").write_bytes(b"12345678901")
    assert folder.copy() == 3 + 29 + 11
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        "grows.log": b"0123456789abc",
        "cleaned.log": b"compacted, longer than it was",
        "checkpoint": b"12345678901",
    }


async def test_a_restore_brings_everything_back_and_sets_aside_what_was_there(
    settings: FlockSettings, tmp_path: Path
) -> None:
    await back_up(settings, tmp_path / "backup")
    write(settings.home / "stores" / "registry.db", 9)
    restored = await restore(settings, tmp_path / "backup")
    assert values(settings.home / "stores" / "registry.db") == [1]
    assert values(settings.home / "stores" / "tracking.db") == [2]
    assert (settings.home / "kafka" / "data" / "run.started-0" / "0.log").read_bytes() == b"records"
    assert (settings.home / "artifacts" / "ab" / "abcd.ubj").read_bytes() == b"model"
    assert restored.set_aside is not None
    assert values(restored.set_aside / "stores" / "registry.db") == [1, 9]
    assert not restored.raised


@pytest.mark.parametrize("damage", ["changed", "missing", "no manifest"])
async def test_a_damaged_backup_is_refused_before_anything_is_changed(
    settings: FlockSettings, tmp_path: Path, damage: str
) -> None:
    await back_up(settings, tmp_path / "backup")
    write(settings.home / "stores" / "registry.db", 9)
    log = tmp_path / "backup" / "kafka" / "data" / "run.started-0" / "0.log"
    match damage:
        case "changed":
            log.write_bytes(b"recordz")
        case "missing":
            log.unlink()
        case _:
            (tmp_path / "backup" / "backup.json").unlink()
    with pytest.raises(BackupUnusable, match=r"0\.log|backup\.json"):
        await restore(settings, tmp_path / "backup")
    assert values(settings.home / "stores" / "registry.db") == [1, 9]


async def test_a_backup_is_never_written_over_another(settings: FlockSettings, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with pytest.raises(BackupFailed, match="exists already"):
        await back_up(settings, tmp_path / "backup")


async def test_a_backup_that_fails_leaves_nothing_behind(settings: FlockSettings, tmp_path: Path) -> None:
    (settings.home / "stores" / "registry.db").write_bytes(b"no database" * 1000)
    with pytest.raises(BackupFailed, match="not a database"):
        await back_up(settings, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


async def test_where_no_flock_was_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="no flock was ever raised"):
        await back_up(FlockSettings(home=tmp_path / "none", port=free_front_door()), tmp_path / "backup")


async def test_a_restore_to_where_nothing_was_sets_nothing_aside(settings: FlockSettings, tmp_path: Path) -> None:
    await back_up(settings, tmp_path / "backup")
    elsewhere = FlockSettings(home=tmp_path / "elsewhere", port=free_front_door())
    restored = await restore(elsewhere, tmp_path / "backup")
    assert restored.set_aside is None
    assert values(elsewhere.home / "stores" / "registry.db") == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "elsewhere", "home"]


async def test_a_restore_waits_until_another_command_has_ended(settings: FlockSettings, tmp_path: Path) -> None:
    """While `up` is under way nothing is told of the flock: its home must not be renamed away under it."""
    await back_up(settings, tmp_path / "backup")
    write(settings.home / "stores" / "registry.db", 9)
    said: list[Progress] = []
    with exclusive(Home(settings.home).command_lock):
        restoring = asyncio.create_task(restore(settings, tmp_path / "backup", emit=said.append))
        await eventually(lambda: any("Waiting" in str(one) for one in said))
        assert values(settings.home / "stores" / "registry.db") == [1, 9]
    await restoring
    assert values(settings.home / "stores" / "registry.db") == [1]


async def test_no_other_command_gets_its_turn_before_a_restored_flock_is_up(
    settings: FlockSettings, tmp_path: Path, raised: Raise
) -> None:
    await back_up(settings, tmp_path / "backup")
    free: list[Progress] = []
    said: list[Progress] = []

    def look(progress: Progress) -> None:
        said.append(progress)
        if len(said) > 1 and (lock := try_exclusive(Home(settings.home).command_lock)) is not None:
            lock.close()
            free.append(progress)

    async with raised(settings) as members:
        restored = await restore(settings, tmp_path / "backup", members=members, emit=look)
        assert restored.raised
        assert ready(settings)
    assert len(said) > 4
    assert free == []


async def test_a_restore_that_finds_no_room_leaves_the_flock_up(
    settings: FlockSettings, tmp_path: Path, raised: Raise
) -> None:
    (settings.home / "artifacts" / "large").write_bytes(b"x" * 4 * 2**20)
    await back_up(settings, tmp_path / "backup")
    with small_disk(tmp_path / "disk", mebibytes=2) as disk:
        small = FlockSettings(home=disk.path / "home", port=free_front_door())
        async with raised(small):
            before = flock.status(small)
            with pytest.raises(RestoreFailed, match="No space left"):
                await restore(small, tmp_path / "backup")
            assert flock.status(small) == before
            assert [path.name for path in disk.path.iterdir()] == ["home"]


async def test_a_restore_that_cannot_take_the_place_puts_everything_back(
    settings: FlockSettings, tmp_path: Path, raised: Raise
) -> None:
    await back_up(settings, tmp_path / "backup")
    write(settings.home / "stores" / "registry.db", 9)

    def take_the_copy_away(progress: Progress) -> None:
        if "in place" in str(progress):
            [copy] = tmp_path.glob(".home.*.restoring")
            copy.rename(tmp_path / "away")

    async with raised(settings) as members:
        with pytest.raises(RestoreFailed, match="No such file"):
            await restore(settings, tmp_path / "backup", members=members, emit=take_the_copy_away)
        assert values(settings.home / "stores" / "registry.db") == [1, 9]
        assert ready(settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["away", "backup", "home"]
