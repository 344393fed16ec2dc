"""Serving at 70 % of what it can do, while replicas are killed, versions come and go back, and the broker is away: no
request fails, and every answered one is in the prediction log.

A minute here; `make load` takes ten (MURMUR_LOAD=full).
"""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from under_load import CONNECTIONS, Arena, Clients, arena, logged, version

from murmur_deployer.testing import workflow_applied
from murmur_events.deployments import CanaryJudged, DeploymentRolledBack, ModelDeployed
from murmur_runtime.testing import eventually, listening_at

FULL = os.environ.get("MURMUR_LOAD") == "full"
KILL_EVERY, STEP, AWAY, QUIET = (20.0, 20, 60.0, 300.0) if FULL else (7.0, 3, 10.0, 0.0)
"""Seconds: between two kills, of a canary's step, without a broker, and of load with nothing but kills."""

pytestmark = [pytest.mark.flock, pytest.mark.timeout(1200 if FULL else 400)]


def wanted(revision: int, replicas: int):
    """Two steps, each with as few requests as a slow machine has."""
    steps = {"steps": [0.2, 0.5], "step_time": f"{STEP}s", "min_rows": 50}
    return workflow_applied(revision=revision, replicas=replicas, strategy="canary", canary=steps)


async def test_no_request_fails_and_every_answer_is_logged(own_brokers: str, tmp_path: Path) -> None:
    async with arena(tmp_path / "flock", own_brokers) as place:
        await place.say(wanted(1, 2))
        await place.promote(await version(place.artifacts, 1), alias_revision=1)
        await place.until(ModelDeployed, version=1)
        clients = Clients(place.settings.port)
        capacity = await clients.capacity(3.0)
        async with clients.asking(0.7 * capacity):
            killing = asyncio.create_task(place.kill_again_and_again(KILL_EVERY))
            await a_canary_goes_through(place)
            await a_canary_goes_back(place)
            await more_and_fewer_replicas(place)
            await asyncio.sleep(QUIET)
            await eventually(lambda: place.killed >= 3, within=60)
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            await without_a_broker(own_brokers)
        found = await logged(own_brokers, clients.ids)
    report(clients, place, capacity, found)
    assert clients.failed == []
    assert set(found) == clients.ids
    again = {name: segments for name, segments in found.items() if len(segments) > 1}
    assert all(len(set(segments)) == len(segments) for segments in again.values()), "a row was shipped twice"
    assert len(again) <= place.killed * CONNECTIONS, "more was repeated than was under way when replicas were killed"
    assert place.killed >= 3


async def a_canary_goes_through(place: Arena) -> None:
    await place.promote(await version(place.artifacts, 2), alias_revision=2)
    await place.until(ModelDeployed, version=2)


async def a_canary_goes_back(place: Arena) -> None:
    await place.promote(await version(place.artifacts, 3, worse=True), alias_revision=3)
    back = await place.until(DeploymentRolledBack, version=3)
    assert isinstance(back, DeploymentRolledBack)
    assert (back.serving, back.cause) == (2, "canary")
    judged = await place.until(CanaryJudged, version=3, verdict="roll_back")
    assert isinstance(judged, CanaryJudged)
    assert [test.aspect for test in judged.tests if test.decision == "worse"] == ["outputs"]
    await place.promote(await version(place.artifacts, 2), alias_revision=4)


async def more_and_fewer_replicas(place: Arena) -> None:
    await place.say(wanted(2, 3))
    await place.serve_with(3)
    await place.say(wanted(3, 2))
    await place.serve_with(2)


async def without_a_broker(brokers: str) -> None:
    stopped = listening_at(brokers)
    stopped.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(AWAY)  # that long it is away: what is waited for is the time itself
    finally:
        stopped.send_signal(signal.SIGCONT)
    await asyncio.sleep(1)  # of load with the broker back


def report(clients: Clients, place: Arena, capacity: float, found: dict[str, list[str]]) -> None:
    rows = sum(map(len, found.values()))
    p50, p99 = np.percentile(clients.milliseconds, [50, 99])
    print(
        f"\n{len(clients.ids):,} answered (by version {dict(clients.answered)}), {len(clients.failed)} failed;"
        f" capacity {capacity:,.0f}/s; p50 {p50:.1f} ms, p99 {p99:.0f} ms; {place.killed} replicas killed;"
        f" {rows:,} rows in Kafka, {rows - len(found):,} of repeated attempts,"
        f" {len(clients.ids - found.keys())} missing"
    )
