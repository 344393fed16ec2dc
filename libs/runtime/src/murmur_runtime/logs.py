"""One stream out of the log files of all processes, in the order of time; and a bound on how large they grow."""

import heapq
import json
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from murmur_runtime.home import Home

LARGEST = 20 * 1024 * 1024
"""Bytes of one log file; as many again are kept as `<name>.log.1`."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_ISO = re.compile(rb"^\[?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)\]?\s*")


@dataclass(frozen=True)
class LogLine:
    """time:   when it was written; a line that does not tell (a stack trace) has that of the line before it, at the
            beginning that of the line after it, and where no line tells, that of the last write
    text:   the line as it is in the file
    fields: the object of a JSON line, else None
    """

    time: datetime
    process: str
    text: str
    fields: Mapping[str, Any] | None = field(default=None, hash=False)


def processes_with_logs(home: Home) -> list[str]:
    return sorted(path.stem for path in home.logs.glob("*.log"))


def read(
    home: Home, processes: Iterable[str], *, since: datetime | None = None, newest: int | None = None
) -> Iterator[LogLine]:
    """The lines that are there, oldest first: those from `since` on, and of these only so many of the newest."""
    yield from _chosen([_Tail(home, process) for process in processes], since, newest)


def follow(
    home: Home,
    processes: Iterable[str],
    *,
    since: datetime | None = None,
    newest: int | None = None,
    pause: Callable[[float], None] = time.sleep,
    going: Callable[[], bool] = lambda: True,
) -> Iterator[LogLine]:
    """Like read, then lines as they come, until `going` says no; those of one look (0.2 s) in the order of time."""
    tails = [_Tail(home, process) for process in processes]
    yield from _chosen(tails, since, newest)
    while going():
        yield from sorted((line for tail in tails for line in tail.lines()), key=lambda line: line.time)
        pause(0.2)


def _chosen(tails: list["_Tail"], since: datetime | None, newest: int | None) -> Iterable[LogLine]:
    merged = heapq.merge(*(tail.lines() for tail in tails), key=lambda line: line.time)
    chosen = (line for line in merged if since is None or line.time >= since)
    return chosen if newest is None else deque(chosen, maxlen=newest)


def bound_sizes(home: Home, *, largest: int = LARGEST) -> None:
    """Moves the content of files that are too large aside. Raises OSError.

    Copies and truncates: the processes hold these files open for appending, and outlive whoever rotates them. What is
    written between the two calls is lost.
    """
    for path in home.logs.glob("*.log"):
        if path.stat().st_size > largest:
            shutil.copyfile(path, _older(path))
            with path.open("r+b") as file:
                file.truncate(0)


def last_lines(home: Home, process: str, count: int) -> list[str]:
    """The end of one log, for an error message."""
    try:
        return home.log(process).read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []


class _Tail:
    """Reads a log from where it was left; notices when it was truncated."""

    def __init__(self, home: Home, process: str) -> None:
        self._path = home.log(process)
        self._process = process
        self._position: int | None = None
        self._time: datetime | None = None

    def lines(self) -> Iterator[LogLine]:
        if self._position is None:
            self._position = 0
            yield from self._read(_older(self._path), 0)
        if _size(self._path) < self._position:
            self._position = 0
        yield from self._read(self._path, self._position)

    def _read(self, path: Path, position: int) -> Iterator[LogLine]:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        untimed: list[bytes] = []  # those before the first line that tells its time
        with file:
            file.seek(position)
            for raw in file:
                if not raw.endswith(b"\n"):
                    break  # half a line: the rest is still to come
                if path == self._path:
                    self._position = (self._position or 0) + len(raw)
                if not raw.strip():
                    continue
                fields = _object(raw)
                told = _time(str(fields.get("timestamp", "")).encode() if fields else raw)
                if told is None and self._time is None:
                    untimed.append(raw)
                    continue
                # Never backwards within one file: merging relies on it, and a clock set back must not hide lines.
                self._time = max(self._time or _BEGINNING, told or _BEGINNING)
                yield from (self._line(self._time, early, None) for early in untimed)
                untimed.clear()
                yield self._line(self._time, raw, fields)
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        yield from (self._line(written, early, None) for early in untimed)

    def _line(self, when: datetime, raw: bytes, fields: Mapping[str, Any] | None) -> LogLine:
        return LogLine(when, self._process, raw.rstrip().decode(errors="replace"), fields)


def _object(raw: bytes) -> dict[str, Any] | None:
    if not raw.startswith(b"{"):
        return None
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _time(text: bytes) -> datetime | None:
    match = _ISO.match(text)
    if match is None:
        return None
    parsed = datetime.fromisoformat(match[1].decode().replace(",", "."))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _older(path: Path) -> Path:
    return path.with_name(path.name + ".1")
