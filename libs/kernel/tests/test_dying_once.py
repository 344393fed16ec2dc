"""A record dies once, however often the broker delivers it: what people have decided about its letter stays."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from counting import COUNTERS, CounterUnitOfWork, requested

from murmur_events import Envelope, to_record
from murmur_events.dead_letters import DeadLettered
from murmur_events.training import TrainingRequested
from murmur_kernel.consuming import react
from murmur_kernel.deciding import Letters
from murmur_kernel.forgetting import KEPT, Forgetter
from murmur_kernel.letters import mark_of_death
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.store import ChangeSet, RawRecord
from murmur_kernel.testing import STORES, Harness, StoreName


@dataclass
class Trainer:
    """A service, the letters of which are announced in `died`."""

    harness: Harness[CounterUnitOfWork]
    handled: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    announced: list[Envelope] = field(default_factory=list)

    @property
    def letters(self) -> Letters:
        return Letters("trainer", self.harness.store, self.harness.clock)

    async def handle(self, event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.trigger.reason == "early":
            await uow.counters.require("prerequisite")
        self.handled.append(event.trigger.key)

    def listen(self, change: ChangeSet) -> None:
        self.announced += change.envelopes
        events = [envelope.event for envelope in change.envelopes]
        self.died += [one.letter_id for one in events if isinstance(one, DeadLettered) and one.decision is None]

    async def hears(self, record: RawRecord) -> None:
        """As the consumer does, a second later."""
        self.harness.clock.advance(1)
        await self.harness.receives_in_turn(record)

    async def expires(self) -> None:
        self.harness.clock.advance(301)
        await ParkingAttendant(self.harness.dispatcher).look_after()
        await ParkingAttendant(self.harness.dispatcher).look_after()

    def broken(self) -> RawRecord:
        """A record whose trigger is of a kind that nobody knows."""
        record = self.harness.record_of(requested(), event_id="broken")
        value = json.loads(record.value)
        value["trigger"]["kind"] = "perhaps"
        return replace(record, value=json.dumps(value).encode())

    async def correct(self) -> None:
        correct: dict[str, object] = requested().model_dump(mode="json")
        await self.letters.edit("broken", correct, by="olga", reason="the client wrote nonsense")


@pytest.fixture(params=STORES)
async def trainer(request: pytest.FixtureRequest) -> AsyncIterator[Trainer]:
    store: StoreName = request.param

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        await trainer.handle(event, uow)

    async with Harness(
        CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, handler),),
        store=store,
        service="trainer",
    ) as harness:
        trainer = Trainer(harness)
        harness.store.on_commit = trainer.listen
        yield trainer


async def test_a_corrected_letter_keeps_its_correction_when_its_record_comes_again(trainer: Trainer) -> None:
    record = trainer.broken()
    await trainer.hears(record)
    await trainer.correct()
    await trainer.hears(record)
    await trainer.hears(replace(record, offset=record.offset + 100))  # as a relay that was killed publishes once more
    assert len((await trainer.letters.find("broken")).edits) == 1
    assert trainer.died == ["broken"]


async def test_a_discarded_letter_does_not_come_back(trainer: Trainer) -> None:
    record = trainer.broken()
    await trainer.hears(record)
    await trainer.letters.discard("broken", by="olga", reason="of a test")
    await trainer.hears(record)
    assert await trainer.harness.store.dead_letters() == []


async def test_what_was_corrected_and_handled_does_not_die_again(trainer: Trainer) -> None:
    record = trainer.broken()
    await trainer.hears(record)
    await trainer.correct()
    await trainer.letters.redrive("broken", by="olga")
    await ParkingAttendant(trainer.harness.dispatcher).look_after()
    await trainer.hears(record)
    assert trainer.handled == ["k"]
    assert await trainer.harness.store.dead_letters() == []
    assert trainer.died == ["broken"]


async def test_what_died_in_its_turn_does_not_die_again(trainer: Trainer) -> None:
    """It was parked behind another of its key, and tried when that one was given up."""
    early = trainer.harness.record_of(requested(reason="early"), event_id="early")
    record = trainer.broken()
    await trainer.hears(early)
    await trainer.hears(record)
    await trainer.expires()
    assert trainer.died == ["early", "broken"]
    await trainer.correct()
    await trainer.letters.discard("early", by="olga", reason="nobody needs it")
    await trainer.hears(early)
    await trainer.hears(record)
    assert await trainer.harness.store.parked() == []
    (letter,) = await trainer.harness.store.dead_letters()
    assert (letter.id, len(letter.edits)) == ("broken", 1)
    assert trainer.died == ["early", "broken"]


async def test_what_was_handed_in_again_may_die_again(trainer: Trainer) -> None:
    await trainer.hears(trainer.harness.record_of(requested(reason="early"), event_id="early"))
    await trainer.expires()
    await trainer.letters.redrive("early", by="olga")
    await trainer.expires()
    await trainer.expires()
    assert trainer.died == ["early", "early"]
    assert [letter.error for letter in await trainer.harness.store.dead_letters()] == ["Expired"]


async def test_a_death_is_forgotten_when_the_broker_cannot_deliver_its_record_again(trainer: Trainer) -> None:
    record = trainer.broken()
    await trainer.hears(record)
    forgetter = Forgetter(trainer.harness.store, trainer.harness.clock)
    trainer.harness.clock.advance(KEPT.total_seconds() - 1)
    assert await forgetter.forget() == 0
    assert await trainer.harness.store.handled(mark_of_death(record))
    trainer.harness.clock.advance(1)
    assert await forgetter.forget() == 1
    assert [letter.id for letter in await trainer.harness.store.dead_letters()] == ["broken"]


@pytest.mark.parametrize("field", ["key", "ce_id", "ce_correlationid", "ce_traceparent"])
async def test_a_foreign_record_with_a_name_of_megabytes_dies_as_any_other(trainer: Trainer, field: str) -> None:
    """Told on whole it would make an announcement that no broker takes, and hold up all that the outbox has behind."""
    name = "k" * 3_000_000
    record = trainer.broken()
    if field == "key":
        record = replace(record, key=name)
    else:
        headers = {**dict(record.headers), field: name.encode()}
        record = replace(record, headers=tuple(headers.items()))
    await trainer.hears(record)
    await trainer.hears(record)
    assert len(trainer.died) == 1
    (letter,) = await trainer.harness.store.dead_letters()
    assert letter.record == record
    assert max(to_record(envelope).size for envelope in trainer.announced) < 10_000
