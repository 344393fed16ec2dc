"""Where events come from: a story file that grows, and a real broker that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from console_story import Teller

from murmur_console.feed import Feed, KafkaFeed
from murmur_console.memory import FeedState, Memory
from murmur_console.story_file import StoryFile, envelope_of, line_of
from murmur_events import Envelope, to_record
from murmur_kernel.bus.kafka import KafkaSink
from murmur_kernel.errors import Transient
from murmur_runtime.testing import eventually, running_broker


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


async def publish(sink: KafkaSink, envelopes: list[Envelope]) -> None:
    await sink.send([to_record(envelope) for envelope in envelopes])


async def test_the_console_hears_the_past_then_the_present_and_says_when_the_broker_is_gone(
    tmp_path: Path, story: Teller
) -> None:
    broker = running_broker(tmp_path)
    brokers = await asyncio.to_thread(broker.__enter__)
    try:
        sink = KafkaSink(brokers, "test")
        await publish(sink, story.told[:-1])
        memory = Memory()
        async with listening(KafkaFeed(brokers), memory) as task:
            await eventually(lambda: memory.feed.state is FeedState.LIVE)
            assert [chain.root.topic for chain in memory.story.chains("credit")][0] == "window.measured"
            assert memory.story.fact(story.told[-1].id) is None
            await publish(sink, story.told[-1:])
            await eventually(lambda: memory.story.fact(story.told[-1].id) is not None)
            await sink.stop()
            await asyncio.to_thread(broker.__exit__, None, None, None)
            await _refused(asyncio.wait_for(task, 30))
            assert memory.feed.state is FeedState.AWAY
            assert brokers in memory.feed.detail
            assert len(memory.story.chains("credit")) == 5, "what was known stays"
    finally:
        broker.__exit__(None, None, None)


async def _refused(run: Awaitable[None]) -> None:
    with pytest.raises(Transient):
        await run
