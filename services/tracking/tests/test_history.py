"""What is known of a run after its facts, in whatever order they came."""

import math
from itertools import permutations

import pytest
from tracking_facts import at, completed, failed, logged, started

from murmur_events import Event
from murmur_kernel.consuming import Ack, Park
from murmur_kernel.store import RawRecord
from murmur_kernel.testing import Harness
from murmur_tracking import views
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.domain.runs import Failure, Run, RunStatus
from murmur_tracking.repository import KINDS, RUNS, TrackingUnitOfWork
from murmur_tracking.search import INDEX
from murmur_tracking.views import ReadBatches

Tracking = Harness[TrackingUnitOfWork]


async def the_run(tracking: Tracking, run_id: str = "run-1") -> Run:
    run = await tracking.get(RUNS, run_id)
    assert run is not None
    return run


async def test_a_started_run_is_running_with_what_it_was_told(tracking: Tracking) -> None:
    await tracking.receives(started())
    view = await tracking.read(views.show_run, "run-1")
    assert view.status is RunStatus.RUNNING
    assert view.parameters == {"max_depth": 4, "eta": 0.1}
    assert view.provenance is not None
    assert (view.provenance.seed, view.trigger.kind, view.ended_at) == (1, "schedule", None)


async def test_while_it_runs_its_last_metrics_and_progress_show(tracking: Tracking) -> None:
    await tracking.receives(started())
    await tracking.receives(logged(step=1, value=0.71, progress=0.1))
    await tracking.receives(logged(step=2, value=0.69, progress=0.2))
    view = await tracking.read(views.show_run, "run-1")
    assert (view.metrics, view.progress) == ({"auc": 0.69}, 0.2)


async def test_a_completed_run_has_its_final_metrics_dataset_and_model(tracking: Tracking) -> None:
    await tracking.receives(started())
    await tracking.receives(logged(value=0.7))
    await tracking.receives(completed(auc=0.78))
    view = await tracking.read(views.show_run, "run-1")
    assert (view.status, view.metrics, view.progress) == (RunStatus.COMPLETED, {"auc": 0.78}, 1.0)
    assert view.dataset is not None
    assert view.dataset.holdout_rows == 250
    assert view.model is not None
    assert (view.model.format, view.ended_at, view.duration_seconds) == ("xgboost-ubj", at(60), 59)


async def test_a_failed_run_says_why_and_keeps_what_it_said(tracking: Tracking) -> None:
    await tracking.receives(started())
    await tracking.receives(logged(value=0.7, lines=("Traceback …",)))
    await tracking.receives(failed())
    view = await tracking.read(views.show_run, "run-1")
    assert view.status is RunStatus.FAILED
    assert view.failure is not None
    assert view.failure.message == "train.py raised ValueError: no rows"
    assert view.metrics == {"auc": 0.7}
    lines = await tracking.read(views.list_lines, ReadBatches(run_id="run-1"))
    assert lines.items == ["Traceback …"]


STORIES: dict[str, tuple[Event, ...]] = {
    "completed": (started(), logged(step=1, value=0.7, lines=("a",)), logged(step=2, lines=("b",)), completed()),
    "failed": (started(), logged(step=1, lines=("a",), progress=0.5), logged(step=2, lines=("b",)), failed()),
    "second attempt completed": (
        started(),
        logged(step=9, value=0.9, lines=("lost",)),
        started(attempt=2),
        logged(attempt=2, step=1, value=0.7, lines=("kept",)),
        completed(attempt=2),
    ),
    "second attempt failed": (
        started(),
        logged(step=9, value=0.9, lines=("lost",)),
        started(attempt=2),
        logged(attempt=2, step=1, value=0.7, lines=("kept",)),
        failed(attempt=2),
    ),
    "ended twice, in two attempts": (started(), failed(), started(attempt=2), completed(attempt=2)),
    "ended twice, in one attempt": (started(), failed(), completed()),
    "its workers died": (started(), logged(lines=("last words",)), failed(attempt=4)),
}


@pytest.mark.parametrize("name", STORIES)
async def test_every_order_of_arrival_ends_the_same(name: str) -> None:
    story = STORIES[name]
    endings = []
    for order in permutations(range(len(story))):
        async with Harness(
            TrackingUnitOfWork, kinds=KINDS, subscriptions=SUBSCRIPTIONS, service="tracking", index=INDEX
        ) as tracking:
            records = [tracking.record_of(event) for event in story]
            for place in order:
                await tracking.receives_record(records[place])
            endings.append(await everything_shown(tracking))
            assert await tracking.store.parked() == []
            assert await tracking.store.dead_letters() == []
    assert all(ending == endings[0] for ending in endings)


async def everything_shown(tracking: Tracking) -> tuple[object, ...]:
    query = ReadBatches(run_id="run-1")
    return (
        await tracking.read(views.show_run, "run-1"),
        await tracking.read(views.list_points, query),
        await tracking.read(views.list_lines, query),
    )


async def test_the_orders_above_end_where_they_should() -> None:
    """Guards the test above against endings that are all the same and all wrong."""
    async with Harness(
        TrackingUnitOfWork, kinds=KINDS, subscriptions=SUBSCRIPTIONS, service="tracking", index=INDEX
    ) as tracking:
        for event in reversed(STORIES["second attempt completed"]):
            await tracking.receives(event)
        view = await tracking.read(views.show_run, "run-1")
        assert (view.status, view.attempt, view.metrics) == (RunStatus.COMPLETED, 2, {"auc": 0.78})
        assert (await tracking.read(views.list_lines, ReadBatches(run_id="run-1"))).items == ["kept"]


async def test_a_run_whose_workers_died_keeps_what_it_was_told_and_its_last_words(tracking: Tracking) -> None:
    for event in STORIES["its workers died"]:
        await tracking.receives(event)
    view = await tracking.read(views.show_run, "run-1")
    assert (view.status, view.parameters) == (RunStatus.FAILED, {"max_depth": 4, "eta": 0.1})
    assert (await tracking.read(views.list_lines, ReadBatches(run_id="run-1"))).items == ["last words"]


async def test_a_batch_of_an_unknown_run_waits_for_it(tracking: Tracking) -> None:
    assert await tracking.receives(logged(lines=("early",))) == Park("run/run-1")
    await tracking.receives(completed())
    assert (await tracking.read(views.list_lines, ReadBatches(run_id="run-1"))).items == ["early"]


async def test_what_a_stale_attempt_says_is_ignored(tracking: Tracking) -> None:
    await tracking.receives(started(attempt=2))
    assert await tracking.receives(logged(attempt=1, value=0.99, lines=("ghost",))) == Ack()
    await tracking.receives(started(attempt=1, parameters={"max_depth": 99}))
    await tracking.receives(failed(attempt=1))
    view = await tracking.read(views.show_run, "run-1")
    assert (view.status, view.attempt, view.metrics) == (RunStatus.RUNNING, 2, {})
    assert view.parameters == {"max_depth": 4, "eta": 0.1}
    assert (await tracking.read(views.list_lines, ReadBatches(run_id="run-1"))).items == []


async def test_late_events_leave_a_finished_run_as_it_is(tracking: Tracking) -> None:
    await tracking.receives(completed(auc=0.78))
    before = await tracking.read(views.show_run, "run-1")
    await tracking.receives(failed())
    await tracking.receives(started())
    await tracking.receives(logged(step=99, value=0.1, progress=0.3))
    assert await tracking.read(views.show_run, "run-1") == before


async def test_a_batch_delivered_twice_is_kept_once(tracking: Tracking) -> None:
    await tracking.receives(started())
    record: RawRecord = tracking.record_of(logged(lines=("once",)))
    for _ in range(2):
        await tracking.receives_record(record)
    assert (await tracking.read(views.list_lines, ReadBatches(run_id="run-1"))).items == ["once"]


async def test_a_run_that_diverges_is_kept_with_its_nan(tracking: Tracking) -> None:
    await tracking.receives(started())
    await tracking.receives(logged(step=1, value=math.nan))
    await tracking.receives(logged(step=2, value=math.inf))
    run = await the_run(tracking)
    assert run.metrics == {"auc": math.inf}
    points = await tracking.read(views.list_points, ReadBatches(run_id="run-1"))
    assert points.items[0].value is not None
    assert math.isnan(points.items[0].value)


async def test_a_run_document_does_not_grow_with_what_is_logged(tracking: Tracking) -> None:
    await tracking.receives(started())
    await tracking.receives(logged(step=10, lines=("x" * 1000,)))
    small = len(RUNS.dump(await the_run(tracking)))
    for step in range(11, 31):
        await tracking.receives(logged(step=step, lines=("x" * 1000,) * 50))
    assert len(RUNS.dump(await the_run(tracking))) == small


async def test_nothing_is_ever_published(tracking: Tracking) -> None:
    for event in STORIES["second attempt failed"]:
        await tracking.receives(event)
    assert tracking.published == []
    assert isinstance((await the_run(tracking)).end, Failure)
