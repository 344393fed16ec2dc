"""A backup of a busy flock, brought back elsewhere: every workflow that was under way at the cut still ends, once."""

import asyncio
from pathlib import Path

import pytest
from live import LiveFlock, of

from murmur_kernel.testing import eventually
from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings

pytestmark = [pytest.mark.flock, pytest.mark.timeout(240)]


async def test_what_was_under_way_at_the_cut_ends_once_after_a_restore(flock: LiveFlock, tmp_path: Path) -> None:
    await flock.apply(flock.scaffold(tmp_path / "before", "backup-before"), "backup-before")
    await flock.apply(flock.scaffold(tmp_path / "during", "backup-during"), "backup-during")
    await flock.trigger("backup-before")
    await flock.until("the review", of("review.requested", "backup-before"))
    await flock.trigger("backup-during")
    await flock.until("the run", of("run.started", "backup-during"))

    taken = await asyncio.to_thread(flock.murmur, "backup", str(tmp_path / "backup"))
    assert taken.returncode == 0, taken.stderr
    await flock.trigger("backup-before")  # after the cut: the restored flock knows nothing of it

    settings = FlockSettings(home=tmp_path / "home", port=free_front_door())
    elsewhere = LiveFlock(settings)
    brought = await asyncio.to_thread(elsewhere.murmur, "restore", str(tmp_path / "backup"))
    assert brought.returncode == 0, brought.stderr
    try:
        await runtime.up(settings)
        await elsewhere.until("the run under way", of("review.requested", "backup-during"))
        await eventually(lambda: open_review(elsewhere, "backup-before"), within=60)
        await elsewhere.review("backup-before", 1, "approved")
        await elsewhere.until("the deployment", of("model.deployed", "backup-before"))
        endings = [
            envelope.event.workflow  # type: ignore[attr-defined]
            for envelope in await elsewhere.history()
            if envelope.topic == "run.completed" and envelope.key
        ]
        assert endings.count("backup-before") == 1
        assert endings.count("backup-during") == 1
    finally:
        await runtime.down(settings)


async def open_review(flock: LiveFlock, model: str) -> bool:
    reviews = await flock.get("/registry/v1/reviews?status=open")
    return any(review["model"] == model for review in reviews["items"])
