"""A flock with fuses for each module of this folder, in place of the one that other tests share."""

import asyncio
from collections.abc import Iterator

import pytest
from chaos_flock import ChaosFlock

from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosFlock]:
    """Everything that `murmur up` starts; no process of it is left behind, or the test that used it fails."""
    settings = FlockSettings(home=tmp_path_factory.mktemp("chaos"), port=free_front_door(span=120))
    flock = ChaosFlock(settings)
    asyncio.run(flock.raise_again())
    try:
        yield flock
    finally:
        asyncio.run(runtime.down(settings))
    orphans = flock.look_for_orphans()
    assert orphans.returncode == 0, orphans.stdout + orphans.stderr
