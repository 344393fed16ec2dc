"""`murmur demo climate` as the research team runs it, and a sweep through the death of the trainer."""

import json
from pathlib import Path
from typing import Any

import pytest
from live import LiveFlock, of

from murmur_events.catalog import topic_named
from murmur_events.runs import RunCompleted, RunStarted
from murmur_events.sweeps import SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested
from murmur_workflows import climate

pytestmark = [pytest.mark.flock, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def summary(flock: LiveFlock) -> dict[str, Any]:
    done = flock.murmur("demo", "climate", "--json", within=400)
    assert done.returncode == 0, done.stderr[-4000:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_every_member_of_both_sweeps_was_trained(summary: dict[str, Any]) -> None:
    assert (summary["trained"], summary["failed"]) == (10, 0)
    assert len(set(summary["correlations"])) == 2


def test_the_best_runs_are_worth_something(summary: dict[str, Any]) -> None:
    assert summary["leaders"].keys() == set(climate.DATA_SETS)
    for leader in summary["leaders"].values():
        assert leader["skill"] > 0


def test_the_controls_held(summary: dict[str, Any]) -> None:
    assert summary["controls"] == {
        "a value that is not allowed starts nothing": True,
        "the same key is the same sweep": True,
        "no model was registered": True,
    }


async def test_all_of_a_sweep_happens_under_one_correlation_id(summary: dict[str, Any], flock: LiveFlock) -> None:
    history = await flock.history(whole=True)
    for correlation in summary["correlations"]:
        chain = [envelope for envelope in history if envelope.correlation_id == correlation]
        (root,) = [envelope for envelope in chain if envelope.causation_id is None]
        assert isinstance(root.event, SweepRequested)
        asked = {envelope.id for envelope in chain if isinstance(envelope.event, TrainingRequested)}
        assert len(asked) == root.event.members
        for kind in (RunStarted, RunCompleted):  # one that had to be tried again has begun twice
            assert len({one.key for one in chain if isinstance(one.event, kind)}) == root.event.members
        assert {topic_named(envelope.topic).owner for envelope in chain} == {"trainer"}


async def test_a_sweep_goes_on_after_its_trainer_was_killed_and_trains_nothing_twice(flock: LiveFlock) -> None:
    await flock.apply(Path(climate.FOLDER), "climate-killed")
    async with flock.door() as door:
        wish = {"grid": {"max_depth": [1, 2, 3, 4]}, "data": {"dataset": ["seattle"]}, "by": "ada"}
        sweep = await door.post("/trainer/v1/workflows/climate-killed/sweeps", wish)
    await flock.until("the first member to begin", of("run.started", "climate-killed"))
    flock.kill("trainer")
    ended = await flock.until(
        "the sweep to end", of("sweep.completed", "climate-killed", sweep_id=sweep["sweep_id"]), within=180
    )
    assert isinstance(ended.event, SweepCompleted)
    assert (ended.event.completed, ended.event.failed, ended.event.members) == (4, 0, 4)
    history = [envelope.event for envelope in await flock.history() if envelope.correlation_id == ended.correlation_id]
    completed = [event.run_id for event in history if isinstance(event, RunCompleted)]
    assert len(completed) == len(set(completed)) == 4
    assert sum(isinstance(event, SweepCompleted) for event in history) == 1
