"""The demo as a newcomer runs it, and what its log proves about who caused what."""

import json
from dataclasses import replace
from typing import Any

import pytest
from listeners import heard_by
from live import LiveFlock

from murmur_events import Envelope
from murmur_events.catalog import SERVICES, topic_named

pytestmark = [pytest.mark.flock, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def summary(flock: LiveFlock) -> dict[str, Any]:
    done = flock.murmur("demo", "--json", within=400)
    assert done.returncode == 0, done.stderr[-4000:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_better_model_serves_in_the_end_and_no_request_failed(summary: dict[str, Any]) -> None:
    assert summary["serving"] == 4
    assert summary["failed_requests"] == 0
    assert summary["predictions"] > 2000


def test_the_second_model_was_better_by_an_interval_that_excludes_zero(summary: dict[str, Any]) -> None:
    assert summary["differences"]["v2"]["auc low"] > 0
    assert summary["differences"]["v4"]["auc low"] > 0


def test_the_controls_held(summary: dict[str, Any]) -> None:
    assert summary["controls"] == {
        "same trigger makes one version": True,
        "worse candidate is not deployed": True,
        "stable quarter trains nothing": True,
    }


def test_one_drift_started_one_training(summary: dict[str, Any]) -> None:
    assert summary["drifts"] == 1
    assert summary["trainings_by_drift"] == 1
    assert summary["drifted_features"]


async def test_every_event_that_is_no_root_was_caused_by_one_that_its_publisher_consumes(
    summary: dict[str, Any], flock: LiveFlock
) -> None:
    history = await flock.history(whole=True)
    by_id = {envelope.id: envelope for envelope in history}
    consumed = {service: heard_by(service) for service in SERVICES}
    wrong = [complaint for envelope in history if (complaint := cause_of(envelope, by_id, consumed))]
    assert not wrong, wrong[:5]
    assert len({envelope.source for envelope in history}) >= 6


async def test_only_the_owner_of_a_topic_publishes_there(summary: dict[str, Any], flock: LiveFlock) -> None:
    for envelope in await flock.history(whole=True):
        topic = topic_named(envelope.topic)
        publisher, _, _replica = envelope.source.partition("/")
        assert publisher in topic.writers or topic.open_to_clients, envelope


async def test_sequences_count_without_gaps_per_aggregate(summary: dict[str, Any], flock: LiveFlock) -> None:
    seen: dict[tuple[str, str], list[int]] = {}
    for envelope in await flock.history(whole=True):
        topic = topic_named(envelope.topic)
        if topic.owner in SERVICES:
            seen.setdefault((topic.owner + topic.aggregate, envelope.key), []).append(envelope.sequence)
    for place, numbers in seen.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), place


def cause_of(envelope: Envelope, by_id: dict[str, Envelope], consumed: dict[str, set[str]]) -> str | None:
    """What is wrong with the cause of an event; None when nothing is.

    Going back from it through events of the same publisher (a decision answers the request for a review, an alert
    follows its drift) one comes to an event that the publisher consumes, or to a root that it published itself.
    """
    place = envelope
    while place.causation_id is not None:
        cause = by_id.get(place.causation_id)
        if cause is None:
            return f"{place.topic} names a cause that is nowhere in the log"
        if cause.correlation_id != envelope.correlation_id:
            return f"{place.topic} left the chain of its cause {cause.topic}"
        if cause.topic in consumed[envelope.source]:
            return None
        if cause.source != envelope.source:
            return f"{envelope.source} published {envelope.topic} because of {cause.topic}, which it does not consume"
        place = cause
    return None if topic_named(place.topic).root else f"{place.topic} has no cause and is no root"


@pytest.mark.parametrize("forged", ["a cause that nobody published", "another chain", "a topic that is not consumed"])
async def test_a_forged_cause_would_be_noticed(summary: dict[str, Any], flock: LiveFlock, forged: str) -> None:
    by_id = {envelope.id: envelope for envelope in await flock.history(whole=True)}
    consumed = {service: heard_by(service) for service in SERVICES}
    deployed = next(envelope for envelope in by_id.values() if envelope.topic == "model.deployed")
    changes = {
        "a cause that nobody published": {"causation_id": "nobody"},
        "another chain": {"correlation_id": "another"},
        "a topic that is not consumed": {"source": "tracking"},
    }
    assert cause_of(replace(deployed, **changes[forged]), by_id, consumed) is not None
    assert cause_of(deployed, by_id, consumed) is None
