"""Records as a broker hands them to audit, readable ones and others."""

from datetime import UTC, datetime
from pathlib import Path

from murmur_events import Record
from murmur_ledger.contents import Event
from murmur_ledger.contents import Record as Held
from murmur_ledger.reader import LedgerReader

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def events(ledger: Path) -> list[Held]:
    """What a ledger holds as single entries, digests left out."""
    return [entry.content.record for entry in LedgerReader(ledger).entries() if isinstance(entry.content, Event)]


def started(run: str, *, correlation: str = "c-1", number: int = 0) -> Record:
    """A run.started, as far as an auditor looks."""
    return event("run.started", run, correlation=correlation, number=number)


def event(topic: str, key: str, *, correlation: str = "c-1", number: int = 0) -> Record:
    headers = {
        "ce_id": f"{topic}-{key}-{number}",
        "ce_source": "trainer",
        "ce_time": NOON.replace(minute=number % 60).isoformat(),
        "ce_correlationid": correlation,
    }
    raw = tuple((name, value.encode()) for name, value in headers.items())
    return Record(topic, key.encode(), b'{"number": %d}' % number, raw)


def nonsense() -> Record:
    """What no consumer can decode."""
    return Record("run.started", b"r-1", b"\xff\xfe not json", (("ce_id", b"\xff"),))
