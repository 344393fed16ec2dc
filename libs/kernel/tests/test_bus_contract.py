"""The fake broker and the real one keep the same promises."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition as Partition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from counting import requested

from murmur_events import LARGEST_RECORD, Envelope, Record, to_record
from murmur_kernel.bus import Reader, Sink, Source, TopicPartition
from murmur_kernel.bus.kafka import KafkaReader, KafkaSink, KafkaSource, _portions
from murmur_kernel.bus.memory import MemoryBroker, MemoryReader, MemorySink, MemorySource
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord

Buses = tuple[Sink, Callable[[str], Source]]
Shelf = tuple[Sink, Reader]


def records(run: str, *keys: str) -> list[Record]:
    return [
        to_record(
            Envelope(
                id=f"{run}-{number}",
                source="client",
                topic="training.requested",
                key=f"{run}-{key}",
                time=datetime(2026, 1, 1, tzinfo=UTC),
                sequence=number,
                correlation_id=run,
                causation_id=None,
                event=requested(f"{run}-{key}"),
            )
        )
        for number, key in enumerate(keys)
    ]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.flock)])
def wiring(request: pytest.FixtureRequest) -> Buses:
    if request.param == "memory":
        broker = MemoryBroker()
        return MemorySink(broker), lambda group: MemorySource(broker, group, ["training.requested"])
    brokers: str = request.getfixturevalue("brokers")
    return (
        KafkaSink(brokers, "contract"),
        lambda group: KafkaSource(brokers, group, ["training.requested"], instance=f"{group}-0"),
    )


@pytest.fixture
async def bus(wiring: Buses) -> AsyncIterator[Buses]:
    sink, _ = wiring
    await sink.start()
    yield wiring
    await sink.stop()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.flock)])
def shelving(request: pytest.FixtureRequest) -> Shelf:
    """Where records are put, and looked up again."""
    if request.param == "memory":
        broker = MemoryBroker()
        return MemorySink(broker), MemoryReader(broker)
    brokers: str = request.getfixturevalue("brokers")
    return KafkaSink(brokers, "contract"), KafkaReader(brokers, "contract")


@pytest.fixture
async def shelf(shelving: Shelf) -> AsyncIterator[Shelf]:
    sink, _ = shelving
    await sink.start()
    yield shelving
    await sink.stop()


async def nothing(places: Sequence[TopicPartition]) -> None: ...


async def read(source: Source, run: str, count: int) -> list[RawRecord]:
    found: list[RawRecord] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += [record for record in await source.fetch() if record.key.startswith(run)]
    return found


async def test_records_arrive_whole_and_in_order_per_key(bus: Buses) -> None:
    sink, join = bus
    run = uuid.uuid4().hex
    sent = records(run, "a", "b", "a", "b", "a")
    await sink.send(sent)
    source = join(run)
    await source.start(nothing)
    got = await read(source, run, 5)
    await source.stop()
    for key in ("a", "b"):
        expected = [(one.value, one.headers) for one in sent if one.key == f"{run}-{key}".encode()]
        assert [(one.value, one.headers) for one in got if one.key == f"{run}-{key}"] == expected


async def test_a_successor_goes_on_where_offsets_were_committed(bus: Buses) -> None:
    sink, join = bus
    run = uuid.uuid4().hex
    await sink.send(records(run, "a", "a", "a"))
    first = join(run)
    await first.start(nothing)
    got = await read(first, run, 3)
    await first.commit({TopicPartition("training.requested", got[0].partition): got[1].offset})
    await first.stop()
    second = join(run)
    await second.start(nothing)
    assert [record.offset for record in await read(second, run, 2)] == [got[1].offset, got[2].offset]
    await second.stop()


@pytest.mark.flock
async def test_a_newer_release_hears_what_is_new_to_it(brokers: str) -> None:
    run = uuid.uuid4().hex
    sink = KafkaSink(brokers, "contract")
    await sink.send(records(run, "a"))
    before = KafkaSource(brokers, run, ["automation.frozen"], instance=f"{run}-0")
    await before.start(nothing)
    await before.fetch()
    await before.stop()
    after = KafkaSource(brokers, run, ["automation.frozen", "training.requested"], instance=f"{run}-0")
    await after.start(nothing)
    assert len(await read(after, run, 1)) == 1
    await after.stop()
    await sink.stop()


async def test_a_paused_partition_gives_nothing_until_it_is_resumed(bus: Buses) -> None:
    sink, join = bus
    run = uuid.uuid4().hex
    await sink.send(records(run, "a"))
    source = join(run)
    await source.start(nothing)
    (first,) = await read(source, run, 1)
    place = TopicPartition("training.requested", first.partition)
    source.pause(place)
    await sink.send(records(run, "a"))
    assert [record for record in await source.fetch() if record.key.startswith(run)] == []
    source.resume(place)
    assert len(await read(source, run, 1)) == 1
    await source.stop()


async def test_one_record_is_looked_up_by_its_place(shelf: Shelf) -> None:
    sink, reader = shelf
    run = uuid.uuid4().hex
    sent = records(run, "a", "a", "a")
    await sink.send(sent)
    found = []
    for partition in range(4):
        place, offset = TopicPartition("training.requested", partition), 0
        while (record := await reader.read(place, offset)) is not None:
            found += [record] if record.key.startswith(run) else []
            assert (record.partition, record.offset) == (partition, offset)
            offset += 1
    assert [(one.value, one.headers) for one in found] == [(one.value, one.headers) for one in sent]


async def test_a_record_that_is_not_there_is_none(shelf: Shelf) -> None:
    sink, reader = shelf
    await sink.send(records(uuid.uuid4().hex, "a"))
    assert await reader.read(TopicPartition("training.requested", 0), 1_000_000) is None


@pytest.mark.flock
async def test_a_record_that_the_broker_no_longer_keeps_is_none(brokers: str) -> None:
    """Not the oldest that is left, as a reader that goes on from somewhere gets."""
    sink, run = KafkaSink(brokers, "contract"), uuid.uuid4().hex
    await sink.send(records(run, "a", "a"))
    source = KafkaSource(brokers, run, ["training.requested"], instance=f"{run}-0")
    await source.start(nothing)
    first, second = await read(source, run, 2)
    await source.stop()
    await sink.stop()
    place = TopicPartition("training.requested", first.partition)
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.delete_records({Partition(*place): RecordsToDelete(before_offset=second.offset)})
    await admin.close()
    reader = KafkaReader(brokers, "contract")
    assert await reader.read(place, first.offset) is None
    kept = await reader.read(place, second.offset)
    assert kept is not None
    assert kept.value == second.value


@pytest.mark.flock
async def test_a_broker_that_does_not_answer_is_transient() -> None:
    with pytest.raises(Transient, match="cannot read from"):
        await KafkaReader("127.0.0.1:1", "contract").read(TopicPartition("training.requested", 0), 0)
    sink = KafkaSink("127.0.0.1:1", "contract")
    with pytest.raises(Transient, match="did not acknowledge"):
        await sink.send(records("x", "a"))
    source = KafkaSource("127.0.0.1:1", "g", ["training.requested"], instance="g-0")
    with pytest.raises(Transient, match="does not answer"):
        await source.start(nothing)


async def test_a_source_goes_on_from_where_it_is_told_to(bus: Buses) -> None:
    sink, join = bus
    run = uuid.uuid4().hex
    await sink.send(records(run, "a", "a", "a"))
    source = join(run)
    await source.start(nothing)
    got = await read(source, run, 3)
    source.seek(TopicPartition("training.requested", got[0].partition), got[1].offset)
    assert [record.offset for record in await read(source, run, 2)] == [got[1].offset, got[2].offset]
    await source.stop()


async def test_records_as_large_as_they_may_be_arrive_and_hold_nobody_up(bus: Buses) -> None:
    sink, join = bus
    run = uuid.uuid4().hex
    small, large, last = records(run, "a", "a", "a")
    large = large._replace(value=b"x" * (LARGEST_RECORD - large._replace(value=b"").size))
    assert large.size == LARGEST_RECORD
    await sink.send([small, large, large, last])
    source = join(run)
    await source.start(nothing)
    assert [len(record.value) for record in await read(source, run, 4)] == [
        len(one.value) for one in (small, large, large, last)
    ]
    await source.stop()


def test_what_is_sent_at_once_stays_below_what_a_broker_reads_at_once() -> None:
    [one] = records("run", "a")
    third = one._replace(value=b"x" * (LARGEST_RECORD // 3))
    assert [len(portion) for portion in _portions([third] * 5 + [one])] == [2, 2, 2]
    assert list(_portions([])) == []
