"""Two servers that speak MLflow's protocol: one to import from, and the flock to import to."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from mlflow_worlds import World, world


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[tuple[World, World]]:
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(world(tmp_path / "there"))
        here = await stack.enter_async_context(world(tmp_path / "here"))
        yield there, here
