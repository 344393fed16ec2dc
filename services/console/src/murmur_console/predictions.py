"""Predictions that people ask for: one looked up at the monitor, one asked of the model through the front door."""

import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from murmur_console.clients import FrontDoor, Refusal
from murmur_console.domain.asking import Question


class Label(BaseModel):
    value: float
    clicks: bool
    known: datetime
    too_late: bool


class WindowOf(BaseModel):
    start: datetime
    end: datetime
    revision: int | None
    outcome: str | None


class RecordOf(BaseModel):
    topic: str
    partition: int
    offset: int
    row: int


class Row(BaseModel):
    features: dict[str, float | None]
    status: int
    latency_ms: float
    model_sha256: str
    replica: str
    trace_id: str
    record: RecordOf


class Prediction(BaseModel):
    version: int
    time: datetime
    output: float
    label: Label | None
    window: WindowOf
    row: Row | None
    row_missing: str


class LookedUp(BaseModel):
    deployment: str
    request_id: str
    predictions: list[Prediction]


async def look_up(door: FrontDoor, deployment: str, request_id: str) -> LookedUp:
    """Raises Unreachable, or Refusal with the monitor's words: not known, or not any more."""
    path = f"/v1/deployments/{quote(deployment, safe='')}/predictions/{quote(request_id, safe='')}"
    content = await door.read("monitor", path, {})
    try:
        return LookedUp.model_validate_json(content)
    except ValidationError as error:
        raise Refusal(200, f"an answer of monitor that does not fit the contract: {error}") from error


@dataclass(frozen=True)
class Answer:
    """milliseconds: from here through the front door and back."""

    version: str
    outputs: dict[str, list[float]]
    request_id: str
    milliseconds: float


class _Output(BaseModel):
    name: str
    data: list[float]


class _Answered(BaseModel):
    model_version: str = ""
    id: str | None = None
    outputs: list[_Output]


class _Complaint(BaseModel):
    error: str


async def ask(door: FrontDoor, deployment: str, question: Question) -> Answer:
    """Raises Unreachable, or Refusal with the model server's own words."""
    began = time.perf_counter()
    response = await door.infer(deployment, question.body)
    taken = (time.perf_counter() - began) * 1000
    try:
        if response.is_success:
            told = _Answered.model_validate_json(response.content)
            outputs = {one.name: one.data for one in told.outputs}
            return Answer(told.model_version, outputs, told.id or question.request_id, taken)
        words = _Complaint.model_validate_json(response.content).error
    except ValidationError:
        words = f"HTTP status {response.status_code} from the front door: nothing serves as {deployment!r} there"
    raise Refusal(response.status_code, words)
