"""Appends until it is killed, and notes each sync when it is done: `python ledger_appender.py LEDGER NOTES`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from ledger_makers import append, record

from murmur_ledger.writer import LedgerWriter


def now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    ledger, notes = Path(sys.argv[1]), Path(sys.argv[2])
    noted = int((notes.read_text().split() or ["0"])[-1])
    with LedgerWriter(ledger, clock=now, segment_bytes=20_000) as writer, notes.open("a") as acknowledged:
        while True:
            append(writer, [record("run.started", 0, noted + number) for number in range(13)], now())
            noted += 13
            acknowledged.write(f"{noted}\n")
            acknowledged.flush()


main()
