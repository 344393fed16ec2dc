"""The catalog keeps its own rules: names, owners, keys, and one topic for each event."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from murmur_events import CATALOG, Event, Topic, UnknownTopic, topic_of
from murmur_events.catalog import ONE_A_SERVICE, SERVICES, dead_letters_of, topic_named, topic_of_service
from murmur_events.dead_letters import DeadLettered

FACTS = tuple(topic for topic in CATALOG if topic.event not in ONE_A_SERVICE)
LETTERS = tuple(topic for topic in CATALOG if topic.event is DeadLettered)

every_topic = pytest.mark.parametrize("topic", CATALOG, ids=lambda topic: topic.name)
every_fact = pytest.mark.parametrize("topic", FACTS, ids=lambda topic: topic.name)


def declared_events() -> set[type[Event]]:
    return {event for event in Event.__subclasses__() if event.__module__.startswith("murmur_events.")}


def test_names_are_unique() -> None:
    assert [name for name, times in Counter(topic.name for topic in CATALOG).items() if times > 1] == []


@every_fact
def test_a_name_is_a_subject_and_a_past_participle(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z]+\.([a-z]+ed|[a-z]*frozen)(_[a-z]+)?", topic.name)


@every_fact
def test_the_type_says_the_same_as_the_topic(topic: Topic) -> None:
    words = re.findall("[A-Z][a-z]+", topic.event.__name__)
    assert sorted(word.lower() for word in words) == sorted(re.split("[._]", topic.name))


@every_fact
def test_an_event_type_travels_on_this_topic_alone(topic: Topic) -> None:
    assert [other.name for other in CATALOG if other.event is topic.event] == [topic.name]
    assert topic_of(topic.event) is topic_named(topic.name) is topic


def test_every_declared_event_has_a_topic() -> None:
    assert declared_events() == {topic.event for topic in CATALOG}


@every_topic
def test_the_owner_is_a_service_or_a_model_server(topic: Topic) -> None:
    assert topic.owner in {*SERVICES, "model-server"}


@every_topic
def test_the_key_is_a_required_field(topic: Topic) -> None:
    """An optional key could be absent, and events without a key keep no order."""
    assert topic.event.model_fields[topic.key].is_required()


@every_topic
def test_topics_of_one_aggregate_are_keyed_alike(topic: Topic) -> None:
    assert {other.key for other in CATALOG if other.aggregate == topic.aggregate} == {topic.key}


@every_topic
def test_it_is_kept_for_a_time_and_spread_over_partitions(topic: Topic) -> None:
    assert topic.retention > timedelta(0)
    assert topic.partitions >= 1
    assert topic.version >= 1


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_topic_for_its_dead_letters(service: str) -> None:
    topic = dead_letters_of(service)
    assert (topic.name, topic.owner, topic.event) == (f"{service}.dead-letters", service, DeadLettered)


@pytest.mark.parametrize("event", sorted(ONE_A_SERVICE, key=lambda event: event.__name__))
@pytest.mark.parametrize("service", SERVICES)
def test_what_every_service_tells_has_a_topic_and_a_writer_a_service(event: type[Event], service: str) -> None:
    topic = topic_of_service(event, service)
    assert (topic.owner, topic.event, topic.name.split(".")[0]) == (service, event, service)


def test_nobody_else_has_dead_letters() -> None:
    assert sorted(topic.owner for topic in LETTERS) == sorted(SERVICES)


def test_what_is_open_to_clients_may_begin_a_chain() -> None:
    assert [topic.name for topic in CATALOG if topic.open_to_clients and not topic.root] == []


def test_an_unknown_topic_is_named() -> None:
    with pytest.raises(UnknownTopic, match=r"'run\.exploded'"):
        topic_named("run.exploded")
    with pytest.raises(UnknownTopic, match=r"'console\.dead-letters'"):
        dead_letters_of("console")
