"""Where events come from: a story file that grows, and a real broker that comes and goes."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from console_events import Teller

from murmur_console.feed import Feed, KafkaFeed
from murmur_console.memory import FeedState, Memory
from murmur_console.story_file import StoryFile, envelope_of, line_of
from murmur_events import Envelope, to_record
from murmur_kernel.bus.kafka import KafkaSink
from murmur_runtime.testing import eventually


@asynccontextmanager
async def listening(feed: Feed, memory: Memory) -> AsyncIterator["asyncio.Task[None]"]:
    async def run() -> None:
        await feed.run(memory)

    task = asyncio.create_task(run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_line_of_a_story_gives_the_same_envelope_back(story: Teller) -> None:
    assert [envelope_of(line_of(envelope)) for envelope in story.told] == story.told


async def test_a_story_file_is_followed_and_half_a_line_waited_for(tmp_path: Path, story: Teller) -> None:
    file = tmp_path / "story.jsonl"
    first, second = line_of(story.told[0]) + "\n", line_of(story.told[1]) + "\n"
    file.write_text(first + second[:40])
    memory = Memory()
    async with listening(StoryFile(file), memory):
        await eventually(lambda: memory.feed.state is FeedState.LIVE)
        assert len(memory.story) == 1
        with file.open("a") as end:
            end.write(second[40:])
        await eventually(lambda: len(memory.story) == 2)


class Relay:
    """A way to the broker that can be shut, as if the broker were gone."""

    def __init__(self, brokers: str) -> None:
        self._host, _, self._port = brokers.rpartition(":")
        self._server: asyncio.Server | None = None
        self.address = ""

    async def open(self) -> None:
        port = int(self.address.rpartition(":")[2] or 0)
        self._server = await asyncio.start_server(self._join, "127.0.0.1", port)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _join(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection(self._host, int(self._port))
        await asyncio.gather(_pump(near_in, far_out), _pump(far_in, near_out))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(2**16):
            sink.write(data)
            await sink.drain()
        sink.close()


class Counting(Memory):
    """Remembers how often it was told each event."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[str] = Counter()

    def hear(self, envelope: Envelope) -> None:
        self.times[envelope.id] += 1
        super().hear(envelope)


async def test_the_console_hears_the_past_then_the_present_and_reads_on_after_the_broker_was_away(
    brokers: str, story: Teller
) -> None:
    past, present, after = story.told[:-2], story.told[-2], story.told[-1]
    sink, relay, memory = KafkaSink(brokers, "console-test"), Relay(brokers), Counting()
    await relay.open()
    begun = next(envelope for envelope in past if envelope.topic == "run.started")
    of_a_client = replace(begun, id="of a client", source="tracking")
    await sink.send([to_record(envelope) for envelope in (*past, of_a_client)])
    async with listening(KafkaFeed(relay.address), memory):
        await eventually(lambda: memory.feed.state is FeedState.LIVE, within=40)
        assert all(memory.times[envelope.id] == 1 for envelope in past)
        assert memory.times[of_a_client.id] == 0, "it would take the place of what has no page of its own"
        await sink.send([to_record(present)])
        await eventually(lambda: memory.times[present.id])

        await relay.shut()
        await eventually(lambda: memory.feed.state is FeedState.AWAY)
        assert relay.address in memory.feed.detail
        assert memory.story.fact(present.id) is not None, "what was known stays"

        await sink.send([to_record(after)])
        await relay.open()
        await eventually(lambda: memory.feed.state is FeedState.LIVE, within=40)
        await eventually(lambda: memory.times[after.id])
        assert {memory.times[envelope.id] for envelope in story.told} == {1}, "it reads on where it stopped"
    await sink.stop()
    await relay.shut()


async def test_no_broker_at_all_is_said_so() -> None:
    memory = Memory()
    async with listening(KafkaFeed("127.0.0.1:9"), memory):
        await eventually(lambda: memory.feed.state is FeedState.AWAY)
    assert memory.feed.detail == "the broker at 127.0.0.1:9 does not answer"
