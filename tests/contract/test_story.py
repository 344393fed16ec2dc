"""The golden events tell one story: each names a cause that is told too, in its chain and before it."""

from collections import Counter
from datetime import datetime

import pytest

from contracts.examples import Example, golden
from murmur_events import Envelope, from_record
from murmur_events.catalog import topic_named
from murmur_events.dead_letters import DeadLettered


def envelope_of(example: Example) -> Envelope:
    return from_record(example.topic, example.wire_value, example.wire_headers)


STORY = tuple(sorted((envelope_of(example) for example in golden()), key=lambda envelope: envelope.time))
BY_ID = {envelope.id: envelope for envelope in STORY}
CAUSED = tuple(envelope for envelope in STORY if envelope.causation_id is not None)
ROOTS = tuple(envelope for envelope in STORY if envelope.causation_id is None)

every_effect = pytest.mark.parametrize("envelope", CAUSED, ids=lambda one: f"{one.topic}-{one.id[:8]}")
every_root = pytest.mark.parametrize("envelope", ROOTS, ids=lambda one: f"{one.topic}-{one.id[:8]}")


def test_ids_are_unique() -> None:
    assert [one for one, times in Counter(envelope.id for envelope in STORY).items() if times > 1] == []


@every_effect
def test_a_cause_is_told_in_the_same_chain_and_not_later_than_its_effect(envelope: Envelope) -> None:
    cause = BY_ID[envelope.causation_id or ""]
    assert cause.correlation_id == envelope.correlation_id
    assert cause.time <= envelope.time


@every_root
def test_only_what_may_begin_a_chain_has_no_cause(envelope: Envelope) -> None:
    assert topic_named(envelope.topic).root


@every_root
def test_every_chain_has_one_beginning(envelope: Envelope) -> None:
    assert [root.id for root in ROOTS if root.correlation_id == envelope.correlation_id] == [envelope.id]


def test_an_event_is_published_by_the_owner_of_its_topic_or_by_a_client_where_clients_may() -> None:
    for envelope in STORY:
        topic, publisher = topic_named(envelope.topic), envelope.source.split("/")[0]
        assert publisher in topic.writers or (publisher == "client" and topic.open_to_clients), envelope


def test_sequences_count_up_in_time_for_each_aggregate_of_a_publisher() -> None:
    last: dict[tuple[str, str, str], tuple[int, datetime]] = {}
    for envelope in sorted(STORY, key=lambda one: one.sequence):
        counter = (envelope.source, topic_named(envelope.topic).aggregate, envelope.key)
        sequence, time = last.get(counter, (0, datetime.fromisoformat("1970-01-01T00:00:00+00:00")))
        assert envelope.sequence > sequence, f"{envelope.topic} {envelope.id} repeats a sequence"
        assert envelope.time >= time, f"{envelope.topic} {envelope.id} is numbered out of order"
        last[counter] = (envelope.sequence, envelope.time)


def test_a_dead_letter_names_the_record_that_caused_it() -> None:
    letters = [(envelope, envelope.event) for envelope in STORY if isinstance(envelope.event, DeadLettered)]
    assert letters
    for envelope, letter in letters:
        assert envelope.causation_id == letter.event_id
        assert envelope.key == letter.letter_id
        if letter.event_id is not None:
            dead = BY_ID[letter.event_id]
            assert (dead.topic, dead.key) == (letter.topic, letter.key)
