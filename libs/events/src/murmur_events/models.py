"""Registered models, their versions, and who may serve."""

from typing import Literal

from pydantic import Field

from murmur_events.base import Event, ModelName, RunId, Value, WorkflowName
from murmur_events.values import Artifact, ModelArtifacts, Number

Alias = Literal["staging", "production"]


class VersionState(Value):
    """One version of a model with all that others need of it."""

    model: ModelName
    version: int = Field(ge=1)
    workflow: WorkflowName
    revision: int = Field(ge=1)
    run_id: RunId
    artifacts: ModelArtifacts
    metrics: dict[str, Number]


class ModelRegistered(Event):
    """A run's model became a numbered version: a candidate."""

    model: ModelName
    version: int = Field(ge=1)
    state: VersionState


class ModelPromoted(Event):
    """An alias points to another version."""

    model: ModelName
    version: int = Field(ge=1)
    alias: Alias
    alias_revision: int = Field(ge=1, description="how often this alias has moved")
    replaces: int | None = Field(default=None, description="the version that the alias left")
    state: VersionState
    by: str = Field(description="a person's name, or the service that decided")
    reason: str


class ModelRejected(Event):
    """A version will not serve: it failed a check, or a person refused it."""

    model: ModelName
    version: int = Field(ge=1)
    by: str
    reason: str
    failed_checks: tuple[str, ...] = ()


class ModelArchived(Event):
    """A version gave up its alias to a newer one."""

    model: ModelName
    version: int = Field(ge=1)
    was: Alias
    replaced_by: int = Field(ge=1)


class PromotionDeferred(Event):
    """A version was judged good, and promotion is frozen: it waits with its verdict until that is over."""

    model: ModelName
    version: int = Field(ge=1)
    workflow: WorkflowName
    alias: Alias = Field(description="what it would have been given")
    scope: str = Field(description="of automation.frozen")
    by: str = Field(description="who froze it")
    reason: str = Field(description="why it was frozen")
    verdict: str = Field(description="the summary of the verdict that stands meanwhile")


class ReviewRequested(Event):
    """A person must decide about the version in staging."""

    model: ModelName
    version: int = Field(ge=1)
    baseline: int | None
    summary: str
    report: Artifact


class ReviewDecided(Event):
    """A person has decided."""

    model: ModelName
    version: int = Field(ge=1)
    decision: Literal["approved", "refused"]
    by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
