"""What every event and every value inside one has in common."""

from functools import cached_property
from typing import NewType, Self

from pydantic import BaseModel, ConfigDict

WorkflowName = NewType("WorkflowName", str)
RunId = NewType("RunId", str)
ExperimentId = NewType("ExperimentId", str)
ModelName = NewType("ModelName", str)
DeploymentName = NewType("DeploymentName", str)
"""The same word as the model that it serves: one deployment a model, until canaries of several exist."""


class Value(BaseModel):
    """A part of an event: immutable, and deaf to fields that a newer publisher may have added."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


class Event(Value):
    """A fact, named in the past tense. Its topic, key and owner stand in the catalog, its identity in the envelope."""

    @cached_property
    def payload(self) -> str:
        """Its JSON: what stands on the wire, and in stores. Written once, since it is weighed, kept and sent."""
        return self.model_dump_json()

    def __copy__(self) -> Self:
        """Without its JSON: whoever copies it means to change it."""
        copied = super().__copy__()
        copied.__dict__.pop("payload", None)
        return copied
