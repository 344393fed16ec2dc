"""Handlers, once each: what they save and say is committed together, with the chain kept."""

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested, skipped
from pydantic import BaseModel

from murmur_events import LARGEST_RECORD, to_record
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.consuming import Ack, Dead, Park, Retry, project, react
from murmur_kernel.errors import EventTooLarge, ReadOnly, Transient
from murmur_kernel.jobs import Job
from murmur_kernel.store import RawRecord
from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_kernel.unit_of_work import Chain


class Total(BaseModel):
    value: int


async def count(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    match event.trigger.reason:
        case "needs":
            await uow.counters.require("prerequisite")
        case "needs more":
            await uow.counters.require("prerequisite")
            await uow.counters.require("another")
        case "raises":
            raise RuntimeError("a bug")
        case "away":
            raise Transient("the other side is away")
        case "speaks too much":
            uow.publish(skipped(event.workflow, detail="x" * LARGEST_RECORD))
        case "quotes too much":
            raise RuntimeError("x" * 20_000)
    counter = await uow.counters.get(event.workflow) or Counter(event.workflow)
    uow.counters.save(Counter(counter.name, counter.value + 1))
    uow.publish(skipped(event.workflow, detail=uow.new_id("run")))
    if event.trigger.reason == "job":
        uow.enqueue("follow", job_id=uow.new_id("job"), payload={"workflow": event.workflow})


async def keep(event: TrainingSkipped, uow: CounterUnitOfWork) -> None:
    uow.counters.save(Counter(event.workflow))
    if event.detail == "speaks":
        uow.publish(skipped())


async def follow(job: Job[CounterUnitOfWork]) -> None:
    async with job.unit_of_work() as uow:
        uow.publish(skipped(job.payload["workflow"], detail=f"attempt {job.attempt}"))
    async with job.unit_of_work(completes=True) as uow:
        uow.publish(skipped(job.payload["workflow"], detail="done"))


async def add(amount: int, uow: CounterUnitOfWork) -> Total:
    counter = await uow.counters.get("total") or Counter("total")
    uow.counters.save(Counter("total", counter.value + amount))
    uow.publish(requested("credit"))
    uow.publish(skipped("credit"))
    return Total(value=counter.value + amount)


@pytest.fixture(params=STORES)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Harness[CounterUnitOfWork]]:
    name: StoreName = request.param
    async with Harness(
        CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, count), project(TrainingSkipped, keep)),
        jobs={"follow": follow},
        store=name,
        service="trainer",
    ) as harness:
        yield harness


async def test_what_a_handler_saves_and_says_is_committed(service: Harness[CounterUnitOfWork]) -> None:
    assert await service.receives(requested("credit")) == Ack()
    assert await service.get(COUNTERS, "credit") == Counter("credit", 1)
    assert [type(event) for event in service.published] == [TrainingSkipped]


async def test_a_second_delivery_changes_nothing(service: Harness[CounterUnitOfWork]) -> None:
    await service.receives(requested(), event_id="same")
    await service.receives(requested(), event_id="same")
    assert await service.get(COUNTERS, "credit") == Counter("credit", 1)
    assert len(service.published) == 1


async def test_an_effect_keeps_the_correlation_and_names_its_cause(service: Harness[CounterUnitOfWork]) -> None:
    await service.receives(requested(), event_id="cause", chain=Chain("chain", None))
    (effect,) = service.envelopes
    assert (effect.correlation_id, effect.causation_id, effect.source) == ("chain", "cause", "trainer")


async def test_ids_made_while_handling_are_the_same_on_every_try() -> None:
    details: list[str] = []
    for _ in range(2):
        async with Harness(
            CounterUnitOfWork, kinds=(COUNTERS,), subscriptions=(react(TrainingRequested, count),)
        ) as harness:
            await harness.receives(requested(), event_id="same")
            details += [f"{e.id} {e.event.detail}" for e in harness.envelopes if isinstance(e.event, TrainingSkipped)]
    assert details[0] == details[1]


async def test_an_event_waits_for_its_prerequisite(service: Harness[CounterUnitOfWork]) -> None:
    assert await service.receives(requested(reason="needs")) == Park("counter/prerequisite")
    assert service.published == []
    await service.receives(skipped("prerequisite"))
    assert await service.get(COUNTERS, "credit") == Counter("credit", 1)


async def test_an_event_that_must_wait_twice_stays_ahead_of_those_behind_it(
    service: Harness[CounterUnitOfWork],
) -> None:
    await service.receives(requested(reason="needs"), event_id="first")
    await service.receives(requested(reason="needs more"), event_id="second")
    await service.receives(skipped("prerequisite"))
    assert [parked.id for parked in await service.store.parked()] == ["second"]
    await service.receives(skipped("another"))
    assert await service.get(COUNTERS, "credit") == Counter("credit", 2)


async def test_a_bug_makes_a_dead_letter_with_its_reason(service: Harness[CounterUnitOfWork]) -> None:
    outcome = await service.receives(requested(reason="raises"))
    assert outcome == Dead("RuntimeError", "a bug")
    (letter,) = await service.store.dead_letters()
    assert letter.reason == "a bug"


async def test_a_record_that_does_not_parse_is_dead_at_once_and_names_the_field(
    service: Harness[CounterUnitOfWork],
) -> None:
    good = service.record_of(requested())
    broken = RawRecord(**{**vars(good), "value": b'{"workflow": "credit"}'})
    outcome = await service.receives_record(broken)
    assert isinstance(outcome, Dead)
    assert outcome.error == "InvalidPayload"
    assert "trigger" in outcome.reason
    bare = RawRecord(**{**vars(good), "headers": ()})
    assert (await service.receives_record(bare)) == Dead("NotAnEnvelope", (await _reason(service, "NotAnEnvelope")))


async def _reason(service: Harness[CounterUnitOfWork], error: str) -> str:
    return next(letter.reason for letter in await service.store.dead_letters() if letter.error == error)


async def test_infrastructure_that_fails_is_a_retry_and_keeps_nothing(service: Harness[CounterUnitOfWork]) -> None:
    assert await service.receives(requested(reason="away")) == Retry("the other side is away")
    assert await service.get(COUNTERS, "credit") is None


async def test_a_projection_that_speaks_is_a_dead_letter(service: Harness[CounterUnitOfWork]) -> None:
    outcome = await service.receives(skipped(detail="speaks"))
    assert isinstance(outcome, Dead)
    assert outcome.error == "PublishingForbidden"
    assert await service.get(COUNTERS, "credit") is None


async def test_a_job_continues_the_chain_of_the_event_that_asked_for_it(service: Harness[CounterUnitOfWork]) -> None:
    await service.receives(requested(reason="job"), event_id="cause", chain=Chain("chain", None))
    service.take_published()
    assert await service.run_jobs() == 1
    assert [e.event.detail for e in service.envelopes if isinstance(e.event, TrainingSkipped)] == ["attempt 1", "done"]
    assert {(e.correlation_id, e.causation_id) for e in service.envelopes} == {("chain", "cause")}
    assert await service.run_jobs() == 0


async def test_a_call_begins_a_chain_and_its_first_event_causes_the_others(
    service: Harness[CounterUnitOfWork],
) -> None:
    assert await service.change(add, 5) == Total(value=5)
    first, second = service.envelopes
    assert first.causation_id is None
    assert (second.causation_id, second.correlation_id) == (first.id, first.correlation_id)


async def save_all(_: None, uow: CounterUnitOfWork) -> int:
    uow.counters.save(Counter("total"))
    return 1


async def ask_for_work(_: None, uow: CounterUnitOfWork) -> int:
    uow.enqueue("follow", job_id="j")
    return 1


@pytest.mark.parametrize("query", [save_all, ask_for_work])
async def test_a_query_that_changes_something_is_refused(
    service: Harness[CounterUnitOfWork], query: Callable[[None, CounterUnitOfWork], Awaitable[int]]
) -> None:
    with pytest.raises(ReadOnly, match=query.__name__):
        await service.read(query, None)
    assert await service.get(COUNTERS, "total") is None
    assert await service.store.jobs() == []


async def test_a_call_repeated_under_its_key_is_answered_alike_and_done_once(
    service: Harness[CounterUnitOfWork],
) -> None:
    await service.change(add, 5, key="k")
    await service.change(add, 5, key="k")
    assert await service.get(COUNTERS, "total") == Counter("total", 5)
    assert len(service.published) == 2


async def test_an_event_that_no_broker_takes_is_refused_where_it_is_published(
    service: Harness[CounterUnitOfWork],
) -> None:
    """In an outbox everything behind it would wait for it, for ever."""
    outcome = await service.receives(requested(reason="speaks too much"))
    assert isinstance(outcome, Dead)
    assert outcome.error == "EventTooLarge"
    assert re.search(r"training\.skipped of 'credit' .* 8,39\d,\d{3} bytes, and brokers take 8,388,608", outcome.reason)
    assert service.published == []
    assert await service.get(COUNTERS, "credit") is None


async def test_the_largest_event_that_may_be_said_is_one_that_a_broker_takes() -> None:
    said: list[int] = []

    async def say(length: int, uow: CounterUnitOfWork) -> None:
        uow.publish(skipped(detail="x" * length))

    async with Harness(CounterUnitOfWork, kinds=()) as harness:
        for length in range(LARGEST_RECORD - 4096, LARGEST_RECORD, 64):
            with contextlib.suppress(EventTooLarge):
                await harness.change(say, length)
                said.append(length)
    assert LARGEST_RECORD - 4096 < said[-1] < LARGEST_RECORD - 1024
    assert max(to_record(envelope).size for envelope in harness.envelopes) <= LARGEST_RECORD - 1024


async def test_what_a_dead_letter_quotes_is_shortened_so_that_its_announcement_can_leave(
    service: Harness[CounterUnitOfWork],
) -> None:
    outcome = await service.receives(requested(reason="quotes too much"))
    assert isinstance(outcome, Dead)
    assert len(outcome.reason) == 10_000
