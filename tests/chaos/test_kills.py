"""kill -9 of every process at a named point of a running workflow: the ending is the right one, and there is one."""

import asyncio
from pathlib import Path

import httpx
import pytest
from live import LiveFlock, of

from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(240)]

POINTS = [
    ("trainer", "run.started"),
    ("tracking", "run.started"),
    ("registry", "run.completed"),
    ("validator", "model.registered"),
    ("deployer", "review.decided"),
    ("monitor", "model.registered"),
    ("console", "run.started"),
    ("envoy", "run.started"),
    ("kafka", "run.started"),
    ("supervisor", "run.started"),
]


@pytest.mark.parametrize(("process", "topic"), POINTS, ids=[f"{process} at {topic}" for process, topic in POINTS])
async def test_a_workflow_ends_once_and_well_though_a_process_is_killed(
    flock: LiveFlock, tmp_path: Path, process: str, topic: str
) -> None:
    name = f"kill-{process}"
    await asyncio.to_thread(flock.wait_ready)
    await flock.apply(flock.scaffold(tmp_path / name, name), name)
    await flock.trigger(name)
    if topic != "review.decided":
        await flock.until(topic, of(topic, name))
        flock.kill(process)
        if process == "supervisor":
            assert (await asyncio.to_thread(flock.murmur, "up")).returncode == 0
    await flock.until("the review", of("review.requested", name), within=150)
    await eventually(lambda: reviewed(flock, name), within=60)
    if topic == "review.decided":
        await flock.until(topic, of(topic, name))
        flock.kill(process)
    await flock.until("the deployment", of("model.deployed", name), within=150)
    await asyncio.to_thread(flock.wait_ready)
    await ends_once(flock, name)
    assert (await answer(flock, name)).status_code == 200


async def test_a_killed_model_server_comes_back_behind_the_same_address(flock: LiveFlock, tmp_path: Path) -> None:
    name = "kill-model-server"
    await flock.apply(flock.scaffold(tmp_path / name, name), name)
    await flock.trigger(name)
    await flock.until("the review", of("review.requested", name))
    await flock.review(name, 1, "approved")
    await flock.until("the deployment", of("model.deployed", name))
    before = flock.kill_model_server(name)

    async def serves_again() -> bool:
        return (await answer(flock, name)).status_code == 200

    await eventually(serves_again, within=60)
    assert flock.kill_model_server(name) != before
    await eventually(serves_again, within=60)
    await ends_once(flock, name)


async def test_readiness_goes_off_with_the_broker_and_on_again(flock: LiveFlock) -> None:
    await asyncio.to_thread(flock.wait_ready)
    address = f"{flock.settings.front_door}/registry/readyz"
    async with httpx.AsyncClient() as client:

        async def status() -> int:
            return (await client.get(address)).status_code

        assert await status() == 200
        flock.kill("kafka")
        await eventually(lambda: is_status(status, 503), within=20)
        await eventually(lambda: is_status(status, 200), within=60)


async def is_status(status, expected: int) -> bool:  # type: ignore[no-untyped-def]  # a coroutine function
    found: int = await status()
    return found == expected


async def reviewed(flock: LiveFlock, name: str) -> bool:
    """Approve version 1; False while the front door or the registry is not back yet."""
    from murmur_cli.door import NotReachable

    try:
        await flock.review(name, 1, "approved")
    except NotReachable:
        return False
    return True


async def ends_once(flock: LiveFlock, name: str) -> None:
    """One run, one version, one deployment: nothing was done twice, nothing was lost."""
    history = await flock.history()
    counts = {
        topic: len({envelope.id for envelope in history if of(topic, name)(envelope)})
        for topic in (
            "training.requested",
            "run.completed",
            "model.registered",
            "validation.completed",
            "model.deployed",
        )
    }
    assert set(counts.values()) == {1}, counts


async def answer(flock: LiveFlock, name: str) -> httpx.Response:
    """One prediction through the front door, of the probe's rows."""
    import json

    registered = next(envelope for envelope in await flock.history() if of("model.registered", name)(envelope))
    uri: str = registered.event.state.artifacts.probe.uri  # type: ignore[attr-defined]
    request = json.loads(Path(uri.removeprefix("file://")).read_text())["request"]
    async with httpx.AsyncClient(base_url=flock.settings.front_door, timeout=60) as client:
        return await client.post(f"/v2/models/{name}/infer", json=request)
