"""SIGKILL at random moments of a busy flock: it comes to rest, and nothing is lost, doubled, out of order or left."""

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from chaos_flock import FULL, PATIENCE, ChaosFlock, patiently, record_result, tell
from live import of
from victims import MODEL_SERVER, TRAINING, Strike, drawn, memory_of, victim

from murmur_cli.door import Json, NotReachable, Rejected
from murmur_events import Envelope
from murmur_events.deployments import DeploymentFailed
from murmur_events.runs import RunFailed
from murmur_runtime.errors import RuntimeProblem
from murmur_runtime.home import Home

pytestmark = [pytest.mark.flock, pytest.mark.timeout(3600 if FULL else 600)]

KILLS = int(os.environ.get("MURMUR_CHAOS_KILLS", "50" if FULL else "4"))
WORKFLOWS = int(os.environ.get("MURMUR_CHAOS_WORKFLOWS", "20" if FULL else "1"))
SEED = int(os.environ.get("MURMUR_CHAOS_SEED", random.SystemRandom().randrange(1_000_000) if FULL else 7))
PRESENT_WITHIN = 10.0
"""Seconds that a strike waits for somebody of its kind: trainings and model servers come and go."""


@dataclass
class Storm:
    flock: ChaosFlock
    names: tuple[str, ...]
    rounds: int = 0
    struck: list[Json] = field(default_factory=list)
    over: bool = False

    @property
    def home(self) -> Home:
        return Home(self.flock.settings.home)

    async def next_round(self) -> None:
        self.rounds += 1
        await asyncio.gather(*(self.flock.demand(name, key=f"{name}, round {self.rounds}") for name in self.names))

    async def keep_busy(self) -> None:
        """The next round begins while the last trainings of this one run."""
        while not self.over:
            with suppress(NotReachable, Rejected):
                trainings = await self.flock.get("/trainer/v1/trainings?limit=200")
                waiting = sum(training["state"] in ("queued", "running") for training in trainings["items"])
                if waiting <= len(self.names) // 4:
                    await self.next_round()
            await asyncio.sleep(1)

    async def keep_supervised(self) -> None:
        """What an operator, or the machine's own service manager, does: `murmur up` where no supervisor lives."""
        while True:
            if self.flock.supervisor() is None:
                with suppress(RuntimeProblem):
                    await self.flock.raise_again()
            await asyncio.sleep(0.5)

    async def strike_all(self, strikes: list[Strike]) -> None:
        began = time.time()
        for number, strike in enumerate(strikes, start=1):
            await asyncio.sleep(strike.gap)
            process = await self._present(strike)
            if process is None:
                tell(f"{number:3d}  no {strike.kind} lived within {PRESENT_WITHIN:g} s")
                continue
            with suppress(psutil.NoSuchProcess):
                process.kill()
                at = round(time.time() - began, 1)
                self.struck.append({"kill": number, "victim": strike.kind, "pid": process.pid, "second": at})
                tell(f"{number:3d}  {at:6.1f} s  {strike.kind} (pid {process.pid}), round {self.rounds}")
        self.over = True

    async def _present(self, strike: Strike) -> psutil.Process | None:
        deadline = time.monotonic() + PRESENT_WITHIN
        while time.monotonic() < deadline:
            if (found := await asyncio.to_thread(victim, self.home, strike)) is not None:
                return found
            await asyncio.sleep(0.2)
        return None


async def test_kills_at_random_moments_of_a_busy_flock(chaos: ChaosFlock, tmp_path: Path) -> None:
    storm = Storm(chaos, tuple(f"storm-{number}" for number in range(1, WORKFLOWS + 1)))
    tell(f"\n{KILLS} kills, {WORKFLOWS} workflows at once, MURMUR_CHAOS_SEED={SEED}")
    for name in storm.names:
        await chaos.begin_workflow(tmp_path, name)
    tasks = [asyncio.create_task(run()) for run in (chaos.approve_all, storm.keep_supervised)]
    try:
        await storm.next_round()
        busy = asyncio.create_task(storm.keep_busy())
        await storm.strike_all(drawn(SEED, KILLS))
        calm = time.time()
        await busy
        await storm.next_round()
        tell(f"calm after {len(storm.struck)} kills and {storm.rounds} rounds; coming to rest")
        verdict = await asyncio.to_thread(chaos.check, "--record", str(tmp_path / "world.json"), within=4 * PATIENCE)
        rested = time.time() - calm
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    tell(f"at rest {rested:.0f} s after the last kill; the checker: {verdict.stdout.strip()}")
    assert verdict.returncode == 0, f"seed {SEED}: {verdict.stdout}{verdict.stderr}"
    await asyncio.to_thread(chaos.wait_ready, within=PATIENCE)
    history = await chaos.history()
    counts = Counter(envelope.topic for envelope in {each.id: each for each in history}.values())
    tell("  ".join(f"{topic} {count}" for topic, count in sorted(counts.items())))
    failed = only_the_killed_failed(storm, history)
    serving = {name for name in storm.names if any(of("model.deployed", name)(envelope) for envelope in history)}
    assert serving | failed == set(storm.names)
    for name in serving:
        assert (await patiently_answered(chaos, name)) == 200
    servers = memory_of(storm.home, MODEL_SERVER)
    tell(f"{WORKFLOWS} model servers hold {servers / 2**20:,.0f} MiB of their own")
    if FULL:
        kept = {"seed": SEED, "rounds": storm.rounds, "seconds to rest": round(rested), "events": counts}
        record_result("storm", [kept, *storm.struck])


def only_the_killed_failed(storm: Storm, history: list[Envelope]) -> set[str]:
    """A training or a starting model server that is killed itself ends in a fact that says so; nothing else fails.

    The deployments of which a starting model server was killed.
    """
    kills = Counter(each["victim"] for each in storm.struck)
    runs = {each.id: each.event for each in history if isinstance(each.event, RunFailed)}
    assert all(event.cause == "killed" for event in runs.values()), runs
    assert len(runs) <= kills[TRAINING]
    rollouts = {each.id: each.event for each in history if isinstance(each.event, DeploymentFailed)}
    assert all(event.cause in ("did_not_start", "probe_mismatch") for event in rollouts.values()), rollouts
    assert len(rollouts) <= kills[MODEL_SERVER], rollouts
    return {event.deployment for event in rollouts.values()}


async def patiently_answered(chaos: ChaosFlock, name: str) -> int:
    """The status of a prediction, once the model server is back."""

    async def ask() -> int:
        status = (await chaos.answer(name)).status_code
        if status == 503:
            raise NotReachable(name, "its model server is on its way back")
        return status

    return await patiently(ask, within=60)
