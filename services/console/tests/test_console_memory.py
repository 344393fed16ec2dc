"""What the console remembers: events once, bounded, found by any id; and what stands."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from console_events import Teller
from console_story import measure

from murmur_console.domain.estate import Status
from murmur_console.domain.facts import Fact
from murmur_console.domain.story import Story
from murmur_console.memory import FeedState, Memory
from murmur_console.reading import fact_of
from murmur_console.reading.reading import read
from murmur_events import CATALOG
from murmur_events.runs import RunLogged
from murmur_events.serving import PredictionLogged


@pytest.mark.parametrize(
    "event", sorted({topic.event for topic in CATALOG} - {RunLogged, PredictionLogged}, key=str), ids=str
)
def test_every_event_of_the_catalog_is_read_with_meaning(event: type) -> None:
    assert read.dispatch(event) is not read.dispatch(object)


def test_an_event_heard_again_changes_nothing(memory: Memory, story: Teller) -> None:
    before = memory.revision
    for envelope in story.told:
        if not isinstance(envelope.event, RunLogged):
            memory.hear(envelope)
    assert memory.revision == before


def test_any_order_of_topics_leads_to_the_same_estate(memory: Memory, story: Teller) -> None:
    shuffled = list(story.told)
    random.Random(7).shuffle(shuffled)
    other = Memory()
    for envelope in shuffled:
        other.hear(envelope)
    statuses = {key: version.status for key, version in memory.estate.versions.items()}
    assert {key: version.status for key, version in other.estate.versions.items()} == statuses
    assert other.estate.deployments == memory.estate.deployments
    assert statuses == {
        ("credit", 1): Status.PRODUCTION,
        ("credit", 2): Status.REJECTED,
        ("credit", 3): Status.STAGING,
    }
    assert [one.facts for one in other.story.chains()] == [one.facts for one in memory.story.chains()]


def test_what_the_run_says_meanwhile_is_kept_as_its_progress_only(memory: Memory) -> None:
    assert memory.story.progress["r-9d2e07aa"].done == 0.6
    assert not any(fact.topic == "run.logged" for chain in memory.story.chains() for fact in chain.facts)


def test_the_longest_silent_chains_are_forgotten_whole(story: Teller) -> None:
    facts = [fact_of(envelope) for envelope in story.told if not isinstance(envelope.event, RunLogged)]
    kept = Story(capacity=15)
    for fact in facts:
        kept.add(fact)
    assert len(kept) <= 15
    assert kept.fact(facts[0].id) is None
    assert [chain.correlation_id for chain in kept.chains()] == [facts[-1].correlation_id, facts[-13].correlation_id]
    assert sum(len(chain) for chain in kept.chains()) == len(kept)


def test_one_chain_larger_than_the_memory_is_kept_whole(story: Teller) -> None:
    one = fact_of(story.told[0])
    kept = Story(capacity=3)
    for number in range(9):
        kept.add(replace(one, id=str(number)))
    assert len(kept) == 9


def newest_with(memory: Memory, topic: str) -> Fact:
    return next(fact for fact in memory.story.latest(1000) if fact.topic == topic)


def test_whatever_has_an_id_is_found_by_its_beginning(memory: Memory) -> None:
    fact = newest_with(memory, "validation.completed")
    assert {hit.fact for hit in memory.story.find(fact.id)} == {fact.id}
    assert {hit.what for hit in memory.story.find(fact.correlation_id)} == {"correlation"}
    assert {hit.chain for hit in memory.story.find("r-9d2")} == {fact.correlation_id}
    assert {hit.chain for hit in memory.story.find("Credit 3")} == {fact.correlation_id}
    assert {hit.id for hit in memory.story.find("r-")} == {"r-9d2e07aa", "r-1c08be44", "r-7f3a91c2"}
    assert memory.story.find("nothing like it") == []
    assert memory.story.find("  ") == []


def test_a_chain_of_windows_alone_is_not_listed_but_found(memory: Memory) -> None:
    teller = Teller(memory.story.chains()[0].last.time)
    teller.root("windows")
    measure(teller, 1, "stable", count=3)
    for envelope in teller.told:
        memory.hear(envelope)
    correlation = teller.told[0].correlation_id
    assert correlation not in {chain.correlation_id for chain in memory.story.chains()}
    assert memory.story.find(correlation)
    assert memory.story.workflow_of(memory.story.chain(correlation)) == "credit"  # type: ignore[arg-type]  # it is there


def test_a_later_revision_of_a_window_replaces_the_earlier_whichever_comes_first(memory: Memory, story: Teller) -> None:
    history = memory.estate.deployments["credit"]
    windows = history.windows
    newest = windows[-1]
    history.measure(replace(newest, revision=2, rows=999))
    history.measure(newest)
    assert windows[-1].rows == 999
    history.measure(replace(newest, start=newest.start - timedelta(days=1)))
    assert [one.start for one in windows] == sorted(one.start for one in windows)


def test_a_version_taken_back_into_production_stands_there_again(memory: Memory, story: Teller) -> None:
    promoted = next(one for one in story.told if one.topic == "model.promoted" and one.event.alias == "production")  # type: ignore[attr-defined]  # promoted events have an alias
    archived = replace(memory.estate.versions["credit", 1], status=Status.ARCHIVED)
    memory.estate.versions["credit", 1] = archived
    memory.hear(replace(promoted, id="back", time=story.now + timedelta(minutes=1)))
    assert memory.estate.versions["credit", 1].status is Status.PRODUCTION


def test_the_feed_keeps_the_time_when_its_state_began(memory: Memory) -> None:
    memory.feed_is(FeedState.AWAY, "gone")
    since = memory.feed.since
    memory.feed_is(FeedState.AWAY, "still gone")
    assert (memory.feed.since, memory.feed.detail) == (since, "still gone")
