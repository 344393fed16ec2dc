"""What runs are filed under, and the models that they log: each event carries the whole state."""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, ExperimentId, RunId


class ExperimentChanged(Event):
    """An experiment was made, renamed, tagged, moved to the bin or taken out of it: this is how it is now."""

    experiment: ExperimentId
    workspace: str
    name: str
    artifact_location: str
    tags: dict[str, str] = Field(default_factory=dict)
    deleted: bool = False
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ModelLogged(Event):
    """A model that a client logged, which is no registered one yet: this is how it is now."""

    model_id: str
    workspace: str
    experiment: ExperimentId
    name: str
    status: Literal["pending", "ready", "failed"]
    artifact_uri: str
    model_type: str | None = None
    source_run: RunId | None = None
    parameters: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    deleted: bool = False
    created_at: AwareDatetime
    updated_at: AwareDatetime
