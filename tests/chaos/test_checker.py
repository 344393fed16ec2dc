"""The checker passes a recorded history, and each of its rules finds the corruption that it is there for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from checker_rules import RULES, broken
from checker_world import Fact, Json, Memory, World, load
from removals import REMOVALS
from removals import without as taken_away

RECORDED = Path(__file__).parent / "recorded" / "world.json"
"""One workflow with two trainings: v1 was deployed, v2 judged twice and rejected. Processes were killed meanwhile."""

Corruption = Callable[[World], World]


@pytest.fixture(scope="module")
def world() -> World:
    return load(RECORDED.read_text())


def test_a_good_history_passes(world: World) -> None:
    assert broken(world) == []
    assert {fact.topic for fact in world.facts} > {"training.requested", "model.deployed", "model.rejected"}


def test_an_event_that_was_delivered_twice_passes(world: World) -> None:
    again = replace(one(world, "run.completed"), offset=1_000)
    assert broken(replace(world, facts=(*world.facts, again))) == []


def one(world: World, topic: str, *, last: bool = False) -> Fact:
    found = [fact for fact in world.facts if fact.topic == topic]
    return found[-1 if last else 0]


def without(topic: str, *, last: bool = True) -> Corruption:
    """As if it had never been published."""
    return lambda world: replace(
        world, facts=tuple(fact for fact in world.facts if fact.id != one(world, topic, last=last).id)
    )


def changed(topic: str, **fields: object) -> Corruption:
    def change(world: World) -> World:
        victim = one(world, topic)
        altered = replace(victim, **fields)  # type: ignore[arg-type]
        return replace(world, facts=tuple(altered if fact is victim else fact for fact in world.facts))

    return change


def added(topic: str, **fields: object) -> Corruption:
    """Another record like the first of the topic, at the end of its partition."""
    return lambda world: replace(
        world,
        facts=(*world.facts, replace(one(world, topic), **{"offset": 1_000, **fields})),  # type: ignore[arg-type]
    )


def swapped(topic: str) -> Corruption:
    """The first two of a key change places."""

    def change(world: World) -> World:
        first = one(world, topic)
        second = next(fact for fact in world.facts if fact.topic == topic and fact.key == first.key and fact != first)
        rest = tuple(fact for fact in world.facts if fact is not first and fact is not second)
        moved = (replace(first, offset=second.offset), replace(second, offset=first.offset))
        facts = sorted((*rest, *moved), key=lambda fact: (fact.topic, fact.partition, fact.offset))
        return replace(world, facts=tuple(facts))

    return change


def remembered(service: str, change: Callable[[Memory], Memory]) -> Corruption:
    return lambda world: replace(
        world, memories=tuple(change(each) if each.service == service else each for each in world.memories)
    )


def forgotten(topic: str, service: str) -> Corruption:
    """The event is in the log, and the service never handled it."""
    return lambda world: remembered(
        service, lambda memory: replace(memory, inbox=memory.inbox - {one(world, topic).id})
    )(world)


def job(**fields: object) -> Json:
    return {"id": "train/r-1", "state": "queued", "attempt": 1, "due": 9e12, "error": "", **fields}


def serving_nothing(memory: Memory) -> Memory:
    documents = [{**document, "serving": None} for document in memory.documents["deployment"]]
    return replace(memory, documents={**memory.documents, "deployment": documents})


CORRUPTIONS: list[tuple[str, str, Corruption]] = [
    ("readable", "a record that is no event", lambda world: replace(world, unreadable=("run.failed 0/7: no id",))),
    ("repeats", "a repeat that differs", added("run.completed", digest="another")),
    ("repeats", "one id on two keys", added("run.completed", key="r-other")),
    ("doubled", "two events with one number", added("model.deployed", id="another")),
    ("gaps", "an event in the middle is missing", without("run.started")),
    ("lost", "the last event of a key is missing", without("model.rejected")),
    ("order", "two events changed places", swapped("model.promoted")),
    ("order", "a key moved to another partition", added("model.registered", id="new", sequence=99, partition=77)),
    ("causes", "the cause of an event is nowhere", changed("model.registered", cause="nobody")),
    ("handled", "the registry skipped a run", forgotten("run.completed", "registry")),
    ("handled", "tracking skipped a run", forgotten("run.completed", "tracking")),
    ("rest", "something is unpublished", remembered("trainer", lambda each: replace(each, outbox=("run.failed r-1",)))),
    ("rest", "something is parked", remembered("registry", lambda each: replace(each, parked=("run.completed",)))),
    ("rest", "a dead letter", remembered("monitor", lambda each: replace(each, dead_letters=("KeyError: 'x'",)))),
    ("rest", "a job that runs", remembered("trainer", lambda each: replace(each, jobs=(job(state="running"),)))),
    ("rest", "a job that failed", remembered("trainer", lambda each: replace(each, jobs=(job(state="failed"),)))),
    ("rest", "a job that is overdue", remembered("trainer", lambda each: replace(each, jobs=(job(due=1.0),)))),
    ("requests", "a training without an end", without("run.completed")),
    ("requests", "a training that ended twice", added("run.completed", id="another")),
    ("versions", "a run that is no version", without("model.registered")),
    ("versions", "a run that is two versions", added("model.registered", id="another")),
    (
        "versions",
        "a version that was never announced",
        remembered("registry", lambda each: replace(each, documents={**each.documents, "version": []})),
    ),
    ("verdicts", "a version that nobody judged", without("validation.completed")),
    ("verdicts", "a version that was judged twice", added("validation.completed", id="another")),
    ("fates", "a version without a fate", without("model.rejected")),
    ("fates", "a version with two fates", added("model.rejected", id="another")),
    ("deployments", "a promotion that came to nothing", without("model.deployed")),
    ("deployments", "a version deployed twice", added("model.deployed", id="another")),
    ("deployments", "what was announced does not serve", remembered("deployer", serving_nothing)),
    ("orphans", "a process is left", lambda world: replace(world, orphans=("pid 7: python",))),
    ("ledger", "the chain does not verify", lambda world: replace(world, ledger="link 7 was changed")),
]


@pytest.mark.parametrize(("rule", "what", "corrupt"), CORRUPTIONS, ids=[what for _, what, _ in CORRUPTIONS])
def test_it_finds(world: World, rule: str, what: str, corrupt: Corruption) -> None:
    assert broken(corrupt(world), [rule])


def test_every_rule_has_a_corruption_that_it_finds() -> None:
    assert {rule for rule, _, _ in CORRUPTIONS} == set(RULES)


def test_the_checker_imports_nothing_of_what_it_judges() -> None:
    for name in ("checker", "checker_reading", "checker_rules", "checker_world"):
        assert "import murmur" not in (text := (RECORDED.parents[1] / f"{name}.py").read_text()), name
        assert "from murmur" not in text, name


@pytest.mark.parametrize("name", REMOVALS)
def test_every_removal_still_finds_its_mechanism(name: str) -> None:
    """So that README.md's last column can be seen again: `python tests/chaos/removals.py <name>`."""
    assert taken_away(REMOVALS[name])
