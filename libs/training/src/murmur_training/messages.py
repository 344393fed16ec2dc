"""What a worker says while it works: JSON lines on a pipe of their own, apart from what people print."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


class Metric(_Message):
    """One value that train.py logged."""

    kind: Literal["metric"] = "metric"
    name: str
    value: float
    step: int = Field(ge=0)
    time: datetime


class Progress(_Message):
    """How much of the whole training is done, 0 to 1."""

    kind: Literal["progress"] = "progress"
    fraction: float = Field(ge=0, le=1)


class Line(_Message):
    """A line that the workflow's code printed, without its end."""

    kind: Literal["line"] = "line"
    text: str


class Phase(_Message):
    """The worker begins the next part of its work."""

    kind: Literal["phase"] = "phase"
    name: Literal["data", "snapshot", "train", "save"]


Message = Metric | Progress | Line | Phase
Emit = Callable[[Message], None]

_ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])


def decode(line: bytes) -> Message:
    """One JSON line. Raises pydantic.ValidationError for anything that is no message."""
    return _ADAPTER.validate_json(line)


def encode(message: Message) -> bytes:
    return message.model_dump_json().encode() + b"\n"


def unheard(message: Message) -> None:
    """For contexts made by hand, as in a test of one's own train.py: nobody listens."""
