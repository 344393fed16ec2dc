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
    """Two pipes for a child, `output` and `messages`, read while the feed is entered.

    `failed` ends early when reading or handing on fails, and then raises why.
    """

    output: int
    messages: int
    failed: asyncio.Task[None]

    def __init__(self, log: Path, on_messages: Callable[[tuple[Message, ...]], Awaitable[None]]) -> None:
        self._log = log
        self._on_messages = on_messages
        self._waiting: list[Message] = []
        self._lines = 0
        self._left_out = 0
        self._lost_points = 0
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        # Not asyncio's own pipes: with those Process.wait() waits for every descendant that holds one open.
        self.output, printed, self._output_end = await _pipe()
        self.messages, said, self._messages_end = await _pipe()
        self._reading = (
            asyncio.create_task(self._read_output(printed)),
            asyncio.create_task(self._read_messages(said)),
        )
        self._delivering = asyncio.create_task(self._deliver())
        self.failed = asyncio.create_task(_first_failure(*self._reading, self._delivering))
        self._open = [self.output, self.messages]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.started()
        tasks = (*self._reading, self._delivering, self.failed)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._output_end.close()
        self._messages_end.close()

    def started(self) -> None:
        """The child has its ends of the pipes: ours are closed, so that reading ends when the child's are."""
        while self._open:
            os.close(self._open.pop())

    async def drained(self, patience: float) -> None:
        """Reads what is left in the pipes of an ended child, and hands on the last batch."""
        await asyncio.wait(self._reading, timeout=patience)
        self._ended.set()
        await self._delivering

    async def _read_output(self, printed: asyncio.StreamReader) -> None:
        rest = b""
        written = 0
        with self._log.open("wb") as log:
            while chunk := await printed.read(CHUNK):
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

    async def _read_messages(self, said: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await said.read(CHUNK):
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


async def _pipe() -> tuple[int, asyncio.StreamReader, asyncio.ReadTransport]:
    """The end to write to, what is written, and what closes the end that is read."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    ours, theirs = os.pipe()
    # uvloop closes the descriptor, and then the file: by then another thread may have a file under that number.
    file = os.fdopen(ours, "rb", buffering=0, closefd=type(loop).__module__ != "uvloop")
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return theirs, reader, transport


async def _first_failure(*tasks: asyncio.Task[None]) -> None:
    """Never returns unless one of the tasks raises, which it then does too."""
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    await asyncio.gather(*pending)
