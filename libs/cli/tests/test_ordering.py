"""Causes come before their effects, however they arrive."""

import math
from datetime import UTC, datetime, timedelta

from murmur_cli.ordering import CausalOrder
from murmur_events import Envelope
from murmur_events.training import TrainingSkipped, Trigger

EVENT = TrainingSkipped(workflow="credit", trigger=Trigger(kind="manual", key="k"), why="already_trained")


def envelope(event_id: str, *, second: int = 0, cause: str | None = None) -> Envelope:
    return Envelope(
        id=event_id,
        source="trainer",
        topic="training.skipped",
        key="credit",
        time=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second),
        sequence=1,
        correlation_id="chain",
        causation_id=cause,
        event=EVENT,
    )


def ids(envelopes: list[Envelope]) -> list[str]:
    return [one.id for one in envelopes]


def test_events_of_the_same_moment_are_ordered_by_cause_and_others_by_time() -> None:
    arrived = [envelope("later", second=5), envelope("effect", cause="cause"), envelope("cause")]
    assert ids(CausalOrder().sorted(arrived, 0)) == ["cause", "effect", "later"]
    assert ids(CausalOrder().sorted(arrived, math.inf)) == ["cause", "effect", "later"]


def test_an_effect_that_arrives_first_waits_for_its_cause() -> None:
    order = CausalOrder(patience=0.5)
    assert order.sorted([envelope("effect", cause="cause")], 0.0) == []
    assert ids(order.sorted([envelope("cause")], 0.3)) == ["cause", "effect"]


def test_a_cause_that_is_never_seen_holds_nothing_up_for_long() -> None:
    order = CausalOrder(patience=0.5)
    assert order.sorted([envelope("effect", cause="long ago")], 0.0) == []
    assert ids(order.sorted([], 0.5)) == ["effect"]
