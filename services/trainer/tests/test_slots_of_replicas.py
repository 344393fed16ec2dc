"""Two replicas of the trainer over one store: together they never run more trainings than the cluster has slots."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from trainer_facts import requested, workflow
from trainer_fakes import FakeEnvironments, FakeWorker

from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.sweeps import SweepCompleted
from murmur_events.training import TrainingRequested
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.consuming import Retry
from murmur_kernel.jobs import JobRunner
from murmur_kernel.testing import STORES, Harness, StoreName, eventually
from murmur_trainer import sweeping
from murmur_trainer.app import job_kinds
from murmur_trainer.consumers import SUBSCRIPTIONS
from murmur_trainer.domain.planning import Plan
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.jobs import TrainingJobs
from murmur_trainer.repository import KINDS, TRAIN, TrainerUnitOfWork
from murmur_trainer.settings import Settings
from murmur_trainer.sweeping import StartSweep

SLOTS, MEMBERS = 2, 12
Trainer = Harness[TrainerUnitOfWork]
UNIT = partial(TrainerUnitOfWork, training_slots=SLOTS)


class CountingWorker(FakeWorker):
    """Holds each training until one more than there are slots is at work, or for a moment: so that all that may begin
    does, whichever replica asks, and the most that were at work at once is what is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.working = 0
        self.most = 0
        self.crowded = asyncio.Event()

    async def __call__(self, *arguments: Any) -> Any:
        self.working += 1
        self.most = max(self.most, self.working)
        if self.working > SLOTS:
            self.crowded.set()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self.crowded.wait()
            return await super().__call__(*arguments)
        finally:
            self.working -= 1


@pytest.fixture
def counting() -> CountingWorker:
    return CountingWorker()


@pytest.fixture
def jobs(artifacts: ArtifactStore, counting: CountingWorker, tmp_path: Path) -> Any:
    settings = Settings(training_slots=SLOTS)
    return job_kinds(
        TrainingJobs(artifacts, counting, tmp_path, environment=lambda: b"{}", environments=FakeEnvironments()),
        settings,
    )


@pytest.fixture(params=STORES)
async def replica(request: pytest.FixtureRequest, workflows: WorkflowHandlers, jobs: Any) -> AsyncIterator[Trainer]:
    """The first of the two: it has the store, and knows two workflows."""
    store: StoreName = request.param
    async with Harness(
        UNIT, kinds=KINDS, subscriptions=SUBSCRIPTIONS, jobs=jobs, store=store, service="trainer"
    ) as harness:
        for name in ("climate", "credit"):
            training = "{parameters: {depth: 1}, objective: {metric: auc, goal: maximize}}"
            command = workflow(training=training)
            text = command.definition.replace("name: credit", f"name: {name}")
            await harness.change(
                workflows.apply_workflow, type(command)(name=name, definition=text, files=command.files)
            )
        harness.take_published()
        plan = Plan(grid={"depth": tuple(range(1, MEMBERS + 1))})
        await harness.change(
            sweeping.start_sweep, StartSweep(workflow="climate", by="ada", plan=plan, max_parallel=MEMBERS)
        )
        yield harness


async def test_of_all_that_waits_replicas_can_claim_as_many_as_there_are_slots(replica: Trainer) -> None:
    for event in [event for event in replica.take_published() if isinstance(event, TrainingRequested)]:
        await replica.receives(event)
    now = replica.clock.now()
    claimed = [
        await replica.store.claim((TRAIN,), owner, now, now + timedelta(seconds=10))
        for _ in range(MEMBERS)
        for owner in ("one", "other")
    ]
    assert len([row for row in claimed if row is not None]) == SLOTS


async def test_two_replicas_at_work_share_the_slots_and_lose_no_run(
    replica: Trainer, jobs: Any, counting: CountingWorker
) -> None:
    """Both hear events at the same time, of which the second to decide tries again, as over the bus."""
    runners = [
        JobRunner("trainer", replica.store, replica.clock, UNIT, jobs, owner=owner) for owner in ("one", "other")
    ]
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    said: list[Any] = []

    async def deliver(envelope: Any) -> None:
        record = replica.record_of(envelope.event, event_id=envelope.id)
        while isinstance(await replica.dispatcher.handle(record), Retry):  # noqa: ASYNC110  # as the consumer does
            await asyncio.sleep(0)

    async def relay() -> bool:
        """What was committed reaches both; true at the end of everything."""
        fresh, replica.envelopes = replica.envelopes, []
        for row in await replica.store.outbox(500):
            fresh.append(row.envelope)
            await replica.store.published(row.position)
        said.extend(envelope.event for envelope in fresh)
        await asyncio.gather(
            *(deliver(each) for each in fresh if isinstance(each.event, TrainingRequested | RunCompleted | RunFailed))
        )
        for runner in runners:
            runner.wake()
        return any(isinstance(event, SweepCompleted) for event in said) and quarterly()

    def quarterly() -> bool:
        return any(isinstance(event, RunCompleted) and event.workflow == "credit" for event in said)

    try:
        await replica.receives(requested("schedule", "2026-01-01", workflow="credit"))
        await eventually(relay, within=30)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert counting.most == SLOTS
    starts = Counter(event.run_id for event in said if isinstance(event, RunStarted))
    assert len(starts) == MEMBERS + 1
    assert set(starts.values()) == {1}
    (completed,) = [event for event in said if isinstance(event, SweepCompleted)]
    assert (completed.completed, completed.failed) == (MEMBERS, 0)
