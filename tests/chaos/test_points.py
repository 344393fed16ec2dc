"""SIGKILL at named points of a running workflow: the ending is the right one, there is one, and the checker agrees."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from chaos_flock import FULL, PATIENCE, SETUP, ChaosFlock, ended, record_result, tell
from fuses import Fired
from live import of
from scenes import EVERY_POINT, FEW_POINTS, Scene
from storm import weather

from murmur_cli.door import Json
from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(600)]

SCENES = EVERY_POINT if FULL else FEW_POINTS
RESULTS: list[Json] = []


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
async def test_a_workflow_ends_once_though_processes_die_at(chaos: ChaosFlock, tmp_path: Path, scene: Scene) -> None:
    await asyncio.to_thread(chaos.wait_ready, within=PATIENCE)
    await chaos.begin_workflow(tmp_path, scene.name)
    for process, arm in scene.arms:
        chaos.arm(process, arm)
    began = time.time()
    async with chaos.reviewer():
        await chaos.demand(scene.name, key=f"the training of {scene.name}")
        killed = await killed_outside(chaos, scene)
        await ended(chaos, scene.name)
        took = time.time() - began
    for process, arm in scene.arms:
        fired = await fired_by(chaos, process)
        killed[fired.process if arm.victim == "itself" else arm.victim] = fired.at
    await asyncio.to_thread(chaos.wait_ready, within=PATIENCE)
    seconds = {process: chaos.recovered(process, at) for process, at in killed.items()}
    await ends_once(chaos, scene.name)
    assert (await chaos.answer(scene.name)).status_code == 200
    assert len(chaos.model_servers(scene.name)) == 1
    verdict = await asyncio.to_thread(chaos.check)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    report(scene, took, seconds)


async def fired_by(chaos: ChaosFlock, process: str) -> Fired:
    """Whoever only listens, like the monitor, may reach its point after the ending."""
    try:
        return await eventually(lambda: chaos.fired(process), within=30)
    except AssertionError:
        raise AssertionError(f"the fuse of {process} never fired: its point was not reached") from None


def report(scene: Scene, took: float, seconds: dict[str, float | None]) -> None:
    back = {process: round(second, 1) for process, second in seconds.items() if second is not None}
    RESULTS.append(
        {
            "point": scene.point,
            "scene": scene.name,
            "killed": sorted(seconds),
            "ending": "model.deployed",
            "seconds to the ending": round(took, 1),
            "seconds to recovery": back,
        }
    )
    tell(f"{scene.point:32} {scene.name:24} deployed after {took:5.1f} s; ready again after {back}")
    if FULL:
        record_result("points", RESULTS)


async def test_a_killed_model_server_comes_back_behind_the_same_address(chaos: ChaosFlock) -> None:
    """The one of a scene that has ended."""
    name = SCENES[0].name

    async def serves() -> bool:
        return (await chaos.answer(name)).status_code == 200

    await eventually(serves, within=60)
    before = chaos.kill_model_server(name)
    await eventually(serves, within=60)
    assert chaos.kill_model_server(name) != before
    await eventually(serves, within=60)
    await ends_once(chaos, name)


@pytest.mark.skipif(SETUP == "servers", reason="two of three brokers are enough: test_three_brokers.py")
async def test_readiness_goes_off_with_the_broker_and_on_again(chaos: ChaosFlock) -> None:
    await asyncio.to_thread(chaos.wait_ready, within=PATIENCE)
    address = f"{chaos.settings.front_door}/registry/readyz"
    async with httpx.AsyncClient() as client:

        async def answers(expected: int) -> bool:
            return (await client.get(address)).status_code == expected

        assert await answers(200)
        chaos.kill("kafka")
        await eventually(lambda: answers(503), within=20)
        await eventually(lambda: answers(200), within=PATIENCE)


@pytest.mark.skipif(FULL, reason="test_storm.py has a whole one, on a flock of its own")
async def test_a_few_kills_at_random_moments_of_a_busy_flock(chaos: ChaosFlock, tmp_path: Path) -> None:
    """After all of the above, on what it has left."""
    await asyncio.to_thread(chaos.wait_ready, within=PATIENCE)
    await weather(chaos, tmp_path)


async def killed_outside(chaos: ChaosFlock, scene: Scene) -> dict[str, float]:
    """Who was killed from outside, and when."""
    if scene.outside is None:
        return {}
    await chaos.until(scene.outside.topic, of(scene.outside.topic, scene.name), within=PATIENCE)
    at = time.time()
    for process in scene.outside.processes:
        chaos.kill(process)
    if "supervisor" in scene.outside.processes:
        await chaos.raise_again()
    return dict.fromkeys(scene.outside.processes, at)


async def ends_once(chaos: ChaosFlock, name: str) -> None:
    """One run, one version, one deployment: nothing was done twice, nothing was lost."""
    history = await chaos.history()
    topics = ("training.requested", "run.completed", "model.registered", "validation.completed", "model.deployed")
    counts = {topic: len({each.id for each in history if of(topic, name)(each)}) for topic in topics}
    assert set(counts.values()) == {1}, counts
