"""What a verification finds: faults with their place, and what they mean."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    CHANGED = "changed"
    """The entry is there, and is not what was appended."""
    REMOVED = "removed"
    """Entries are missing between others, or at the beginning."""
    INSERTED = "inserted"
    """Something stands there that the chain does not name."""
    REORDERED = "reordered"
    """An entry stands elsewhere than its position says."""
    TRUNCATED = "truncated"
    """A signed checkpoint names entries behind the end."""
    TORN = "torn"
    """The last entry is cut in its middle: a writer that was killed, or somebody with scissors."""
    REWRITTEN = "rewritten"
    """The chain holds in itself, and is another one than the signed checkpoint names."""
    SIGNATURE = "signature"
    """A checkpoint is not signed by the key, or is not readable."""
    MANIFEST = "manifest"
    """ledger.json, part.json or the key's file is not what it was."""
    REPEATED = "repeated"
    """An offset of a partition was appended twice, or out of order."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """position..until: the entries concerned; 0: none can be named. topic … offset: what is known of the record."""

    kind: FaultKind
    position: int
    until: int
    detail: str
    file: str = ""
    topic: str = ""
    partition: int | None = None
    offset: int | None = None

    @property
    def where(self) -> str:
        if not self.position:
            return self.file or "-"
        return f"{self.position:,}" if self.until <= self.position else f"{self.position:,} to {self.until:,}"


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Offsets that no entry holds: dropped by Kafka's retention before they were read, or lost."""

    topic: str
    partition: int
    first: int
    last: int


@dataclass(kw_only=True)
class Report:
    """first, last: positions; head: hash of the last. records: those in events and those in digests.

    anchored: the last position that a signed checkpoint vouches for; what follows is only chained.
    """

    first: int = 0
    last: int = 0
    head: str = ""
    entries: int = 0
    left_out: int = 0
    events: int = 0
    digests: int = 0
    digested: int = 0
    checkpoints: int = 0
    anchored: int = 0
    bytes: int = 0
    seconds: float = 0.0
    topics: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    def document(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}
