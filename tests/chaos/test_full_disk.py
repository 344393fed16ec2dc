"""The whole flock on a full disk: intake stops and says why, and with room all that was acknowledged goes on."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from chaos_flock import FULL, PATIENCE, SETUP, ChaosFlock, chaos_settings, ended, record_result, tell
from small_disks import SmallDisk, small_disk

from murmur_cli.door import NotReachable, Rejected
from murmur_runtime import flock as runtime

pytestmark = [
    pytest.mark.flock,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        not FULL or SETUP != "embedded",
        reason="`make chaos` runs it; the parts are tested beside the kernel and the runtime",
    ),
]

FULL_SECONDS = 30.0


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("small") / "disk", mebibytes=400) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def cramped(disk: SmallDisk) -> Iterator[ChaosFlock]:
    """Stores, artifacts, logs and the broker's log, all on the small disk."""
    flock = ChaosFlock(chaos_settings(disk.path / "flock"))
    try:
        asyncio.run(flock.raise_again())
        yield flock
    finally:
        asyncio.run(runtime.down(flock.settings))


async def test_a_full_disk_stops_intake_and_loses_nothing(cramped: ChaosFlock, disk: SmallDisk, tmp_path: Path) -> None:
    for name in ("before", "during", "after"):
        await cramped.begin_workflow(tmp_path, name)
    async with cramped.reviewer():
        await cramped.demand("before", key="before")
        await ended(cramped, "before")
        disk.fill()
        accepted, refusals = await knocked(cramped)
        unready = await readiness(cramped)
        states = {name: f"{state.phase} ({state.detail[:160]})" for name, state in cramped.processes().items()}
        disk.make_room()
        room = time.time()
        tell(f"\naccepted while full: {accepted}; refused: {dict(refusals)}\n{unready}\n{states}")
        await asyncio.to_thread(cramped.wait_ready, within=PATIENCE)
        recovered = time.time() - room
        await cramped.demand("after", key="after")
        await ended(cramped, "after")
        verdict = await asyncio.to_thread(cramped.check, within=PATIENCE)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert refusals
    assert any("MiB left" in text for text in unready.values())
    history = await cramped.history()
    asked = {each.event.trigger.key for each in history if each.topic == "training.requested"}  # type: ignore[attr-defined]
    assert set(accepted) <= asked
    row = {"accepted while full": accepted, "refused": dict(refusals), "readiness": unready, "processes": states}
    record_result("full-disk", [{**row, "seconds to readiness with room": round(recovered, 1)}])


async def knocked(flock: ChaosFlock) -> tuple[list[str], Counter[str]]:
    """Trainings that were asked for while the disk was full: the keys of those accepted, and why others were not."""
    accepted: list[str] = []
    refusals: Counter[str] = Counter()
    deadline = time.monotonic() + FULL_SECONDS
    while time.monotonic() < deadline:
        key = f"during {len(accepted)} {sum(refusals.values())}"
        try:
            await flock.trigger("during", key=key)
            accepted.append(key)
        except Rejected as error:
            refusals[f"{error.status} {error}"] += 1
        except NotReachable as error:
            refusals[f"not reachable: {error}"] += 1
        await asyncio.sleep(1)
    return accepted, refusals


async def readiness(flock: ChaosFlock) -> dict[str, str]:
    """What services that answer say is wrong."""
    told = {}
    async with httpx.AsyncClient(timeout=10) as client:
        for name in ("registry", "trainer", "validator"):
            try:
                body = (await client.get(f"{flock.settings.front_door}/{name}/readyz")).json()
            except (httpx.HTTPError, ValueError) as error:
                told[name] = repr(error)
            else:
                told[name] = "; ".join(check["detail"] for check in body["checks"].values() if not check["ok"])
    return told
