"""Chains: order, works and waits, and facts that share a mark."""

from dataclasses import replace
from datetime import timedelta

import pytest
from console_events import Teller

from contracts.examples import golden
from murmur_console.domain.chains import Chain, clusters, pair
from murmur_console.domain.facts import Fact, Tone, Work, WorkKind
from murmur_console.domain.words import duration
from murmur_console.memory import Memory
from murmur_console.reading import fact_of
from murmur_console.reading.reading import read
from murmur_events.runs import RunCompleted


def chain_of(*facts: Fact) -> Chain:
    chain = Chain("c")
    for fact in facts:
        chain.add(fact)
    return chain


@pytest.fixture
def fact(story: Teller) -> Fact:
    """Some fact, to be changed into others."""
    return replace(fact_of(story.told[0]), correlation_id="c", causation_id=None, opens=(), closes=(), repeats=None)


def test_facts_that_arrive_in_any_order_stand_in_order_of_time(drifted: Chain) -> None:
    shuffled = chain_of(*sorted(drifted.facts, key=lambda one: one.id))
    assert shuffled.facts == drifted.facts
    assert [one.topic for one in drifted.facts][:4] == [
        "window.measured",
        "drift.detected",
        "training.requested",
        "run.started",
    ]


def test_an_effect_of_a_service_whose_clock_is_behind_still_stands_after_its_cause(fact: Fact) -> None:
    cause = replace(fact, id="cause")
    early = replace(fact, id="effect", causation_id="cause", time=fact.time - timedelta(seconds=3))
    later = replace(fact, id="later", causation_id="effect", time=fact.time - timedelta(seconds=2))
    assert [one.id for one in chain_of(later, early, cause).facts] == ["cause", "effect", "later"]


def test_of_one_instant_what_begins_a_work_stands_last(drifted: Chain) -> None:
    assert [one.topic for one in drifted.facts[-2:]] == ["model.promoted", "review.requested"]


def test_facts_that_name_each_other_as_causes_are_shown_all_the_same(fact: Fact) -> None:
    one = replace(fact, id="one", causation_id="two")
    two = replace(fact, id="two", causation_id="one")
    assert len(chain_of(one, two).facts) == 2


def test_a_chain_whose_cause_is_not_in_memory_begins_with_what_is(fact: Fact) -> None:
    orphan = replace(fact, id="orphan", causation_id="forgotten")
    assert chain_of(orphan).root == orphan


def test_works_last_from_the_fact_that_opens_them_to_the_one_that_closes_them(memory: Memory) -> None:
    first = memory.story.chains("credit")[-2]
    bars = [(bar.work.kind, bar.opened.topic, bar.closed.topic if bar.closed else None) for bar in first.bars]
    assert bars == [
        (WorkKind.QUEUE, "training.requested", "run.started"),
        (WorkKind.TRAINING, "run.started", "run.completed"),
        (WorkKind.VALIDATION, "model.registered", "validation.completed"),
        (WorkKind.REVIEW, "review.requested", "review.decided"),
        (WorkKind.ROLLOUT, "model.promoted", "model.deployed"),
    ]


def test_a_review_that_nobody_has_decided_is_open(drifted: Chain) -> None:
    assert [bar.work for bar in drifted.open_bars] == [Work(WorkKind.REVIEW, "credit/3")]


def test_a_later_attempt_ends_the_work_of_the_earlier_one(fact: Fact) -> None:
    work = Work(WorkKind.TRAINING, "r-1")
    first, second = replace(fact, id="first", opens=(work,)), replace(fact, id="second", opens=(work,))
    bars = pair((first, second))
    assert [(bar.opened.id, bar.closed.id if bar.closed else None) for bar in bars] == [
        ("first", "second"),
        ("second", None),
    ]


def test_a_closing_without_an_opening_makes_no_bar(fact: Fact) -> None:
    assert pair((replace(fact, closes=(Work(WorkKind.REVIEW, "credit/1"),)),)) == []


def test_windows_that_tell_the_same_share_a_mark_until_something_else_is_said(fact: Fact) -> None:
    stable = [replace(fact, id=f"s{number}", repeats="stable") for number in range(3)]
    drift = replace(fact, id="d", repeats="drift")
    groups = clusters([*stable, drift, replace(fact, id="e"), replace(fact, id="f")])
    assert [[one.id for one in group] for group in groups] == [["s0", "s1", "s2"], ["d"], ["e"], ["f"]]


def test_the_outcome_of_a_chain_is_not_one_of_many_windows(memory: Memory) -> None:
    first = memory.story.chains("credit")[-2]
    assert first.last.topic == "window.measured"
    assert first.outcome.topic == "model.deployed"
    rejected = memory.story.chains("credit")[2]
    assert (rejected.outcome.topic, rejected.tone) == ("model.rejected", Tone.CAUTION)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0404, "40 ms"),
        (0.9996, "1.0 s"),
        (2.44, "2.4 s"),
        (59.97, "1 min"),
        (130, "2 min 10 s"),
        (3600, "1 h"),
        (11_130, "3 h 5 min"),
        (353_000, "4 d 2 h"),
        (-1, "0 ms"),
    ],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_reproduction_is_read_as_its_verdict() -> None:
    full = next(each for each in golden() if (each.topic, each.name) == ("run.completed", "full"))
    reading = read(RunCompleted.model_validate(full.value))
    assert reading.label == "reproduction: different"
    assert reading.headline.endswith(": different, as a reproduction of r-0d5e8c7b1a42")
