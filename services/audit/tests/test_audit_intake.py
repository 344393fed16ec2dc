"""Everything that is said on any topic is in the ledger once, in the order of its partition."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from audit_records import event, events, nonsense, started
from audit_running import RunningAudit, Starting

from murmur_audit.app import TOPICS
from murmur_audit.domain.recording import DIGESTED
from murmur_events import Record as Said
from murmur_events.catalog import CATALOG
from murmur_kernel.bus import TopicPartition
from murmur_kernel.bus.memory import MemoryBroker, MemorySink
from murmur_kernel.testing import eventually
from murmur_ledger.contents import Digest, Place, Record, digest_of
from murmur_ledger.reader import LedgerReader
from murmur_ledger.verify import verify


def predictions(first: int, stop: int) -> list[Said]:
    return [event("prediction.logged", "credit", number=number) for number in range(first, stop)]


def make_anew(broker: MemoryBroker) -> None:
    """The topics are deleted, and with them what the group has committed."""
    for log in broker.log.values():
        log.clear()
    broker.committed.clear()


def started_at(broker: MemoryBroker) -> TopicPartition:
    [place] = [place for place in broker.log if place.topic == "run.started"]
    return place


@asynccontextmanager
async def stops(start: Starting) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """A life of the service that ends by itself; what is yielded waits for that, and tells why."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with start() as running:

        async def stopped() -> str:
            async with asyncio.timeout(10):
                await ended.wait()
            return running.audit.service.health.alive.detail

        yield stopped
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


def test_every_topic_of_the_catalog_is_heard() -> None:
    assert set(TOPICS) == {topic.name for topic in CATALOG}


async def test_a_record_that_nobody_can_decode_is_recorded_as_it_is(running: RunningAudit, ledger: Path) -> None:
    await running.say(nonsense())
    [held] = events(ledger)
    assert (held.key, held.value, held.headers) == (b"r-1", b"\xff\xfe not json", (("ce_id", b"\xff"),))


async def test_a_busy_topic_enters_as_digests_that_its_records_can_be_checked_against(
    running: RunningAudit, ledger: Path, broker: MemoryBroker
) -> None:
    await running.say(*(event("prediction.logged", "credit", number=number) for number in range(7)))
    digests = [entry.content for entry in LedgerReader(ledger).entries() if isinstance(entry.content, Digest)]
    assert sum(digest.count for digest in digests) == 7
    said = [
        Record(one.topic, one.partition, one.offset, one.key.encode(), one.headers, one.value)
        for one in broker.records("prediction.logged")
    ]
    for digest in digests:
        assert digest_of(said[digest.first : digest.last + 1], digest.at) == digest
    assert events(ledger) == []
    assert "prediction.logged" in DIGESTED


async def test_offsets_are_committed_behind_the_sync(running: RunningAudit, broker: MemoryBroker) -> None:
    await running.say(started("r-1"))
    [place] = broker.log
    await eventually(lambda: broker.committed.get(("murmur-audit", place)) == 1)


async def test_a_crash_between_sync_and_commit_doubles_nothing(
    start: Starting, broker: MemoryBroker, ledger: Path
) -> None:
    """All offsets are forgotten: the broker delivers everything again."""
    async with start() as running:
        await running.say(*(started(f"r-{number}", number=number) for number in range(12)))
    before = events(ledger)
    broker.committed.clear()
    async with start() as running:
        await running.say(started("r-last"))
        await running.caught_up()
    after = events(ledger)
    assert sorted(after[: len(before)]) == sorted(before)
    assert len(after) == len(before) + 1 == len(set(after))
    assert verify(ledger).ok


async def test_what_the_ledger_lost_is_asked_for_again_though_its_offset_was_committed(
    start: Starting, broker: MemoryBroker, ledger: Path
) -> None:
    """Somebody cut an entry off behind the last checkpoint: Kafka still has it."""
    async with start() as running:
        await running.say(started("r-1", number=1))
        await running.say(started("r-1", number=2), started("r-1", number=3))
    (ledger / "checkpoints.jsonl").unlink()
    [segment] = ledger.glob("*.ledger")
    segment.write_bytes(segment.read_bytes()[:-20])
    async with start() as running:
        await running.say(started("r-1", number=4))
    assert [record.offset for record in events(ledger)] == [0, 1, 2, 3]
    report = verify(ledger)
    assert (report.ok, report.gaps) == (True, [])


async def test_a_gap_that_the_broker_cannot_fill_is_recorded_as_one(
    start: Starting, broker: MemoryBroker, ledger: Path
) -> None:
    async with start() as running:
        await running.say(started("r-1", number=1))
    [place] = broker.log
    await broker.append(started("r-1", number=2))
    del broker.log[place][1]  # dropped by retention before it was read
    async with start() as running:
        late = replace(broker.log[place][0], offset=2)
        broker.log[place].append(late)
        await eventually(lambda: running.audit.keeper.is_open and running.audit.keeper.places[Place(*place)] == 2)
    report = verify(ledger)
    assert report.ok
    assert [(gap.first, gap.last) for gap in report.gaps] == [(1, 1)]


async def test_a_topic_that_was_made_anew_stops_the_ledger(start: Starting, broker: MemoryBroker, ledger: Path) -> None:
    """Other records at offsets that the ledger has: it neither skips nor mixes them."""
    async with start() as running:
        await running.say(started("r-1", number=1))
    make_anew(broker)
    await broker.append(started("r-1", number=2))
    async with stops(start) as stopped:
        assert "was it made anew?" in await stopped()
    assert len(events(ledger)) == 1


async def test_a_busy_topic_that_was_made_anew_stops_the_ledger_too(start: Starting, broker: MemoryBroker) -> None:
    async with start() as running:
        await running.say(*predictions(0, 7))
    make_anew(broker)
    await MemorySink(broker).send(predictions(7, 14))
    async with stops(start) as stopped:
        assert "was it made anew?" in await stopped()


async def test_offsets_of_a_digest_are_committed_only_when_all_of_its_records_were_compared(
    start: Starting, broker: MemoryBroker
) -> None:
    """A topic made anew that is still shorter than the old one's first digest: nothing of it is taken for known."""
    await MemorySink(broker).send(predictions(0, 7))
    async with start() as running:
        await running.caught_up()
    [place] = broker.log
    make_anew(broker)
    await MemorySink(broker).send([*predictions(7, 10), started("r-1")])
    async with stops(start) as stopped:
        await eventually(lambda: broker.committed.get(("murmur-audit", started_at(broker))) == 1)
        assert broker.committed.get(("murmur-audit", place), 0) == 0
        await MemorySink(broker).send(predictions(10, 14))
        assert "was it made anew?" in await stopped()


async def test_a_digest_whose_records_come_again_in_parts_is_not_taken_for_another(
    start: Starting, broker: MemoryBroker, ledger: Path
) -> None:
    await MemorySink(broker).send(predictions(0, 7))
    async with start() as running:
        await running.caught_up()
    [place] = broker.log
    rest = broker.log[place][3:]
    del broker.log[place][3:]
    broker.committed.clear()
    await MemorySink(broker).send([started("r-1")])
    async with start() as running:
        await eventually(lambda: broker.committed.get(("murmur-audit", started_at(broker))) == 1)
        broker.log[place].extend(rest)
        await eventually(lambda: broker.committed.get(("murmur-audit", place)) == 7)
        await running.say(*predictions(7, 8))
    digests = [entry.content for entry in LedgerReader(ledger).entries() if isinstance(entry.content, Digest)]
    assert [(digest.first, digest.last) for digest in digests] == [(0, 6), (7, 7)]


async def test_a_record_where_the_broker_had_none_stops_the_ledger(start: Starting, broker: MemoryBroker) -> None:
    """The ledger began behind what retention had dropped; a topic made anew begins with its first offset."""
    await MemorySink(broker).send([started("r-1", number=number) for number in range(3)])
    [place] = broker.log
    del broker.log[place][:2]
    async with start() as running:
        await eventually(lambda: running.audit.keeper.is_open and running.audit.keeper.places.get(Place(*place)) == 2)
    make_anew(broker)
    await broker.append(started("r-1", number=9))
    async with stops(start) as stopped:
        assert "a record where Kafka had none before" in await stopped()


async def test_one_replica_has_the_ledger_and_another_waits_until_it_ends(start: Starting, ledger: Path) -> None:
    async with AsyncExitStack() as life:
        first = await life.enter_async_context(start())
        await first.say(started("r-1"))
        async with start() as second:
            ok, why = await second.audit.intake.check()
            assert (ok, "another process appends" in why) == (False, True)
            assert (await second.client.get("/entries")).status_code == 503
            await life.aclose()
            await second.say(started("r-2"))
    assert verify(ledger).ok


async def test_a_checkpoint_is_signed_after_so_many_entries(running: RunningAudit, ledger: Path) -> None:
    await running.say(started("r-1", number=0))
    first = (await running.client.post("/checkpoints")).json()
    for number in range(1, 11):
        await running.say(started("r-1", number=number))
    await eventually(lambda: running.audit.keeper.signed and running.audit.keeper.signed.position > first["position"])
    running.clock.advance(61)
    before = running.audit.keeper.head.position
    await running.say(started("r-1", number=11))
    await eventually(lambda: running.audit.keeper.signed and running.audit.keeper.signed.position > before)
    assert verify(ledger).anchored == running.audit.keeper.head.position


def test_place_of_a_record_is_a_partition() -> None:
    assert TopicPartition("a", 1) == Record("a", 1, 0, b"", (), b"").place
