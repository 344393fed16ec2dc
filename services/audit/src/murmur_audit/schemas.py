"""What audit's REST API gives."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class EntryView(View):
    """One entry as a line of a list. An event has one record, a digest `count` of them; `places` opens a file."""

    position: int
    kind: Literal["event", "digest", "places"]
    at: datetime = Field(description="when it was appended")
    time: datetime = Field(description="the event's own time, or that of its appending")
    topic: str
    partition: int
    first: int = Field(description="offset of its first record")
    last: int
    count: int
    key: str
    event_id: str
    correlation_id: str
    causation_id: str
    source: str
    hash: str


class EntryPage(BaseModel):
    items: list[EntryView]
    next: str | None


class CheckpointView(View):
    """Signed: see how_to_verify in the README of the ledger."""

    ledger: str
    position: int
    head: str
    at: str
    key: str
    signature: str


class CheckpointPage(BaseModel):
    items: list[CheckpointView]
    next: str | None


class StepView(BaseModel):
    """From an entry's hash to the next one's: SHA-256(position, in_batch, hash before, content_sha256)."""

    in_batch: int
    content_sha256: str


class ProofView(BaseModel):
    """Leads from the entry to a signed checkpoint (null while there is none behind it) by the hashes between."""

    checkpoint: CheckpointView | None
    steps: list[StepView]


class EntryDetailView(EntryView):
    previous: str
    in_batch: int
    content: str = Field(description="base64 of the bytes that are hashed")
    content_sha256: str
    intact: bool = Field(description="the hash is that of these bytes")
    headers: dict[str, str]
    value: str | None = Field(description="null: a digest")
    sha256: str | None = Field(description="of a digest's records")
    proof: ProofView | None


class HeadView(BaseModel):
    position: int
    hash: str


class FaultView(View):
    kind: str
    position: int
    until: int
    detail: str
    file: str
    topic: str
    partition: int | None
    offset: int | None


class VerifiedView(BaseModel):
    """The last time that the whole ledger was read again."""

    at: datetime
    ok: bool
    up_to: int
    anchored: int = Field(description="the last position that a signed checkpoint vouches for")
    gaps: int = Field(description="stretches of offsets that nobody recorded")
    faults: list[FaultView]


class SummaryView(BaseModel):
    ledger: str = Field(description="SHA-256 of ledger.json")
    head: HeadView
    events: int
    digests: int
    digested: int = Field(description="records that digests stand for")
    last_checkpoint: CheckpointView | None
    verified: VerifiedView | None
    lag: int
    public_key: str
