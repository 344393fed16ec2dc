"""What the monitor answers of a prediction that is looked up."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class LabelView(BaseModel):
    """known: when it became known. too_late: more than the workflow's label_delay after the prediction: not counted."""

    value: float
    clicks: bool
    known: datetime
    too_late: bool


class WindowOf(BaseModel):
    """The window that the prediction falls in. revision, outcome: none while it has not closed."""

    start: datetime
    end: datetime
    revision: int | None
    outcome: Literal["drift", "stable", "too_few_rows", "not_tested"] | None


class RecordView(BaseModel):
    """Where the row lies: the record, and which of its rows (from 0)."""

    topic: str
    partition: int
    offset: int
    row: int


class LoggedRow(BaseModel):
    """The row as the model server has logged it. features: null where a value was missing. trace_id: may be empty."""

    features: dict[str, float | None]
    status: int
    latency_ms: float
    model_sha256: str
    replica: str
    trace_id: str
    record: RecordView


class PredictionView(BaseModel):
    """row: null where it cannot be had any more; row_missing says why."""

    version: int
    time: datetime
    output: float
    label: LabelView | None
    window: WindowOf
    row: LoggedRow | None
    row_missing: str


class PredictionsView(BaseModel):
    """Newest first: more than one where a request was repeated, copied to a shadow, or its id used again."""

    deployment: str
    request_id: str
    predictions: list[PredictionView]
