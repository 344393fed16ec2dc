"""A flock with fuses for each module of this folder, in place of the one that other tests share."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from chaos_flock import SETUP, ChaosFlock, chaos_settings

from murmur_runtime import flock as runtime
from murmur_runtime.testing_mongodb import running_mongodb


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosFlock]:
    """Everything that `murmur up` starts; no process of it is left behind, or the test that used it fails."""
    with ExitStack() as stack:
        store = ""
        if SETUP == "servers":
            store = stack.enter_context(running_mongodb(tmp_path_factory.mktemp("mongodb"))).uri
        flock = ChaosFlock(chaos_settings(tmp_path_factory.mktemp("chaos"), store))
        try:
            asyncio.run(flock.raise_again())
            yield flock
        finally:
            asyncio.run(runtime.down(flock.settings))
    orphans = flock.look_for_orphans()
    assert orphans.returncode == 0, orphans.stdout + orphans.stderr
