"""Calls through the front door: what services say of themselves, decisions, redrives, and every way to be told no."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from console_flock import LETTER, StubFlock, running_flock

from murmur_console.clients import Decision, FrontDoor, Refusal, Unreachable
from murmur_console.roster import Roster

APPROVAL = Decision("request-1", "credit", 3, "approved", "Ada Park", "better where it matters")


@pytest.fixture
def flock() -> Iterator[StubFlock]:
    with running_flock(StubFlock()) as flock:
        yield flock


async def test_a_decision_is_posted_to_the_registry_with_a_key_of_its_own(flock: StubFlock, door: FrontDoor) -> None:
    await door.decide(APPROVAL)
    await door.decide(APPROVAL)
    await door.decide(replace(APPROVAL, reason="seen again"))
    path, body, _ = flock.posts[0]
    assert path == "/registry/v1/models/credit/versions/3/review"
    assert body == {"decision": "approved", "by": "Ada Park", "reason": "better where it matters"}
    keys = [headers["Idempotency-Key"] for _, _, headers in flock.posts]
    assert keys[0] == keys[1] != keys[2]


async def test_a_service_that_says_no_is_quoted(flock: StubFlock, door: FrontDoor) -> None:
    flock.answer = (409, {"title": "ReviewNotOpen", "status": 409, "detail": "credit v3 is not waiting for a review"})
    with pytest.raises(Refusal, match="credit v3 is not waiting for a review"):
        await door.decide(APPROVAL)


async def test_an_answer_of_the_front_door_alone_means_that_the_service_is_away(
    flock: StubFlock, door: FrontDoor
) -> None:
    flock.answer = (503, {})
    with pytest.raises(Unreachable, match="registry does not answer"):
        await door.decide(APPROVAL)


async def test_no_front_door_is_said_with_what_to_do() -> None:
    door = FrontDoor("http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="murmur status"):
        await door.readiness("registry")
    await door.close()


async def test_the_roster_keeps_the_last_answer_of_a_service_that_went_away(flock: StubFlock, door: FrontDoor) -> None:
    flock.letters = {"tracking": [LETTER]}
    roster = Roster(door, every=60)
    await roster.look()
    before = roster.standings["tracking"]
    assert before.is_well
    assert [letter.id for letter in before.letters] == ["dl-1"]
    flock.away = {"tracking"}
    flock.unready = {"deployer": "envoy does not answer"}
    await roster.look()
    after = roster.standings["tracking"]
    assert after.is_unwell
    assert (after.readiness, after.letters, after.seen) == (before.readiness, before.letters, before.seen)
    assert roster.standings["deployer"].is_unwell
    assert roster.standings["registry"].is_well


async def test_a_service_never_asked_is_neither_well_nor_unwell(door: FrontDoor) -> None:
    standing = Roster(door, every=60).standings["registry"]
    assert not standing.is_well
    assert not standing.is_unwell
