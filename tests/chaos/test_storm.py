"""SIGKILL at random moments of a flock that does nothing else than 20 workflows at once."""

import asyncio
from pathlib import Path

import pytest
from chaos_flock import FULL, PATIENCE, ChaosFlock
from storm import weather

pytestmark = [
    pytest.mark.flock,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not FULL, reason="`make chaos` runs it; a short one is in test_points.py"),
]


async def test_kills_at_random_moments_of_a_busy_flock(chaos: ChaosFlock, tmp_path: Path) -> None:
    await asyncio.to_thread(chaos.wait_ready, within=PATIENCE)
    await weather(chaos, tmp_path)
