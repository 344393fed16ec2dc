"""What people and their clients do to the registry by hand: models, versions and aliases that no workflow moves.

What a workflow's versions go through is told by `murmur_events.models`, whichever door it is asked for at.
"""

from typing import Literal

from pydantic import Field

from murmur_events.base import Event, ModelName

Via = Literal["event", "rest", "mlflow"]
Stage = Literal["None", "Staging", "Production", "Archived"]


class ModelChanged(Event):
    """A registered model was made, described, tagged, renamed, given rules or deleted: this is how it is now."""

    model: str = Field(description="its name; outside of the workspace `default`: workspace/name")
    workspace: str
    name: str
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    deleted: bool = False
    renamed_from: str | None = Field(default=None, description="in this change; versions and aliases came along")
    renamed_to: str | None = Field(default=None, description="in this change: nothing has the old name now")
    by: str = Field(min_length=1)
    reason: str
    via: Via


class VersionChanged(Event):
    """A version was made by a client, described, tagged, moved to another stage or deleted: this is how it is now."""

    model: str = Field(description="the name of its model; outside of the workspace `default`: workspace/name")
    workspace: str
    name: str
    version: int = Field(ge=1)
    stage: Stage
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    source: str | None = Field(default=None, description="where its files are, as its maker said it")
    run_id: str | None = None
    run_link: str | None = None
    logged_model: str | None = Field(default=None, description="the logged model that it was made of")
    user: str | None = Field(default=None, description="who made it")
    deleted: bool = False
    by: str = Field(min_length=1)
    reason: str
    via: Via


class AliasMoved(Event):
    """An alias names another version, or none. Where a workflow's model is promoted, model.promoted says so instead."""

    model: str = Field(description="the name of its model; outside of the workspace `default`: workspace/name")
    workspace: str
    name: str
    alias: str = Field(min_length=1)
    version: int | None = Field(description="null: it names no version any more")
    replaces: int | None = Field(default=None, description="the version that it left")
    revision: int = Field(ge=1, description="how often this alias has moved")
    by: str = Field(min_length=1)
    reason: str
    via: Via


class RollbackRequested(Event):
    """Production of a workflow's model shall name an earlier version again: the deployer leads back, then it does."""

    model: ModelName
    version: int = Field(ge=1, description="the one that shall go")
    to: int | None = Field(default=None, ge=1, description="null: what served before it")
    by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
