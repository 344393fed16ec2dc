"""Events as lines and as a picture."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from contracts.examples import golden
from murmur_cli.picture import NothingToDraw, draw
from murmur_cli.story import Storyteller
from murmur_cli.words import describe
from murmur_events import Envelope, Event, topic_of
from murmur_events.catalog import CATALOG
from murmur_events.deployments import DeploymentScaled
from murmur_events.runs import RunCompleted
from murmur_events.training import TrainingRequested, TrainingSkipped, Trigger

TICK = Trigger(kind="schedule", key="2005-10-01T00:00:00Z")


def envelope(event: Event, event_id: str, *, cause: str | None = None, source: str = "trainer") -> Envelope:
    topic = topic_of(event)
    return Envelope(
        id=event_id,
        source=source,
        topic=topic.name,
        key=topic.key_of(event),
        time=datetime(2026, 1, 1, 12, 3, 7, 412000, tzinfo=UTC),
        sequence=1,
        correlation_id="chain",
        causation_id=cause,
        event=event,
    )


def requested() -> TrainingRequested:
    return TrainingRequested(workflow="credit", trigger=TICK, as_of=datetime(2005, 10, 1, tzinfo=UTC))


def skipped() -> TrainingSkipped:
    return TrainingSkipped(workflow="credit", trigger=TICK, why="already_trained", detail="in run r-7f3a")


def test_an_effect_is_indented_below_its_cause() -> None:
    teller = Storyteller()
    first = teller.line(envelope(requested(), "a")).plain
    second = teller.line(envelope(skipped(), "b", cause="a")).plain
    third = teller.line(envelope(skipped(), "c", cause="b")).plain
    assert "trainer    training.requested  credit  tick 2005-10-01" in first
    assert "trainer    └ training.skipped" in second
    assert "trainer      └ training.skipped" in third


def test_a_publisher_that_is_no_service_is_shown_as_a_client() -> None:
    line = Storyteller().line(envelope(requested(), "a", source="a-laptop")).plain
    assert " client " in line


def test_every_event_of_the_catalog_can_be_described() -> None:
    silent = [
        topic.name
        for topic in CATALOG
        if topic.name not in ("prediction.logged", "run.logged")
        and describe.dispatch(topic.event) is describe.dispatch(Event)
    ]
    assert silent == []


def test_a_change_of_size_says_what_was_measured_or_else_why() -> None:
    scaled = DeploymentScaled(
        deployment="fraud",
        model="fraud",
        version=2,
        before=1,
        replicas=2,
        cause="rate",
        detail="1,240/s, 700/s a replica are meant",
        rate=1240.2,
        p99_ms=37.8,
    )
    assert describe(scaled) == "fraud 1 -> 2 replicas: 1,240/s, p99 38 ms"
    wished = scaled.model_copy(update={"rate": None, "p99_ms": None, "detail": "the workflow wants 2"})
    assert describe(wished) == "fraud 1 -> 2 replicas: the workflow wants 2"


def test_a_reproduction_is_told_by_its_verdict_and_the_metric_that_differs_most() -> None:
    full = next(each for each in golden() if (each.topic, each.name) == ("run.completed", "full"))
    run = RunCompleted.model_validate(full.value)
    assert run.reproduction is not None
    assert describe(run) == "credit/r-90ab4c1de7f2  different from r-0d5e8c7b1a42: auc by +0.0003  2.4 s"
    same = run.reproduction.model_copy(update={"verdict": "identical"})
    assert "identical to r-0d5e8c7b1a42" in describe(run.model_copy(update={"reproduction": same}))


def test_a_picture_has_a_lane_per_service_and_an_arrow_per_cause() -> None:
    svg = draw([envelope(requested(), "a", source="client"), envelope(skipped(), "b", cause="a")])
    root = ElementTree.fromstring(svg)
    names = {"svg": "http://www.w3.org/2000/svg"}
    assert len(root.findall("svg:line", names)) == 2
    assert len(root.findall("svg:path", names)) == 1
    assert len(root.findall("svg:circle", names)) == 2
    assert "already trained" in svg


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(NothingToDraw):
        draw([])
