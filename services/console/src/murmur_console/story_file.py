"""A recorded story: one event a line, as the broker would store it; read for looks and tests in place of Kafka."""

import asyncio
import json
from pathlib import Path

from murmur_console.memory import FeedState, Memory
from murmur_events import Envelope, from_record, to_record

_LOOK_SECONDS = 0.1


def line_of(envelope: Envelope) -> str:
    """One line of a story file, without its end."""
    record = to_record(envelope)
    headers = {name: value.decode() for name, value in record.headers}
    return json.dumps({"topic": record.topic, "headers": headers, "value": json.loads(record.value)})


def envelope_of(line: str) -> Envelope:
    """Raises ContractError, or ValueError for what is no JSON."""
    record = json.loads(line)
    headers = [(name, value.encode()) for name, value in record["headers"].items()]
    return from_record(record["topic"], json.dumps(record["value"]).encode(), headers)


class StoryFile:
    """A feed that follows a file: lines appended later are told when they come."""

    def __init__(self, path: Path) -> None:
        self.source = f"the file {path}"
        self._path = path

    async def run(self, memory: Memory) -> None:
        """Raises FileNotFoundError."""
        with self._path.open(encoding="utf-8") as file:
            while True:
                place = file.tell()
                line = file.readline()
                if line.endswith("\n"):
                    memory.hear(envelope_of(line))
                    continue
                file.seek(place)  # half a line is somebody still writing
                memory.feed_is(FeedState.LIVE)
                await asyncio.sleep(_LOOK_SECONDS)
