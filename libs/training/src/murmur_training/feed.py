"""Carries what a child says to whoever wants to know: in order, in batches, never faster than they can take it."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from murmur_training.messages import Line, Message, Progress, decode

PAUSE = 0.5
"""Seconds between two batches."""
MOST_LINES = 200
"""Printed lines of one batch; the log keeps those that a batch leaves out."""
MOST_POINTS = 2000
"""Other messages of one batch."""
LONGEST_LINE = 2000
"""Characters of a printed line."""
LARGEST_LOG = 64 * 2**20
"""Bytes of a log: a print in an endless loop must not fill the disk."""
CHUNK = 2**16


class Feed:
    """Reads the child's output and its messages while it is entered; `failed` ends early if reading or handing on
    fails."""

    def __init__(
        self,
        output: asyncio.StreamReader,
        messages: int,
        log: Path,
        on_messages: Callable[[tuple[Message, ...]], Awaitable[None]],
    ) -> None:
        self._output = output
        self._descriptor = messages
        self._log = log
        self._on_messages = on_messages
        self._waiting: list[Message] = []
        self._lines = 0
        self._left_out = 0
        self._lost_points = 0
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        messages = asyncio.StreamReader()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(messages), os.fdopen(self._descriptor, "rb", buffering=0)
        )
        self._reading = (
            asyncio.create_task(self._read_output()),
            asyncio.create_task(self._read_messages(messages)),
        )
        self._delivering = asyncio.create_task(self._deliver())
        self.failed = asyncio.create_task(_first_failure(*self._reading, self._delivering))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = (*self._reading, self._delivering, self.failed)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._transport.close()

    async def drained(self, patience: float) -> None:
        """Reads what is left in the pipes of an ended child, and hands on the last batch."""
        await asyncio.wait(self._reading, timeout=patience)
        self._ended.set()
        await self._delivering

    async def _read_output(self) -> None:
        rest = b""
        written = 0
        with self._log.open("wb") as log:
            while chunk := await self._output.read(CHUNK):
                if written < LARGEST_LOG:
                    written += log.write(chunk)
                    log.flush()
                    if written >= LARGEST_LOG:
                        log.write(b"\n[the log ends here: it reached its largest size]\n")
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._add_line(line)
                rest = rest[-CHUNK:]
            if rest:
                self._add_line(rest)

    async def _read_messages(self, messages: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await messages.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                try:
                    self._add(decode(line))
                except ValidationError:
                    self._add_line(
                        line
                    )  # the workflow's code wrote into a descriptor that it found open: shown, not trusted

    def _add_line(self, line: bytes) -> None:
        if self._lines >= MOST_LINES:
            self._left_out += 1
            return
        self._lines += 1
        self._waiting.append(Line(text=line.decode("utf-8", errors="replace").rstrip("\r")[:LONGEST_LINE]))

    def _add(self, message: Message) -> None:
        if isinstance(message, Progress):
            self._waiting = [kept for kept in self._waiting if not isinstance(kept, Progress)]
        if len(self._waiting) - self._lines >= MOST_POINTS:
            self._lost_points += 1
            return
        self._waiting.append(message)

    async def _deliver(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), PAUSE)
            if batch := self._take_batch():
                await self._on_messages(batch)

    def _take_batch(self) -> tuple[Message, ...]:
        if self._left_out:
            self._waiting.append(Line(text=f"[{self._left_out:,} more lines are in the log only]"))
        if self._lost_points:
            self._waiting.append(Line(text=f"[{self._lost_points:,} metrics came too fast and are lost: log fewer]"))
        batch = tuple(self._waiting)
        self._waiting, self._lines, self._left_out, self._lost_points = [], 0, 0, 0
        return batch


async def _first_failure(*tasks: asyncio.Task[None]) -> None:
    """Never returns unless one of the tasks raises, which it then does too."""
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    await asyncio.gather(*pending)
