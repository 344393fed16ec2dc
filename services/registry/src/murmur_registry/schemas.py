"""What the registry's REST API takes and gives."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from murmur_events.values import Artifact, ModelArtifacts
from murmur_registry.domain.models import Alias, AliasMove, RegisteredModel, Via
from murmur_registry.domain.reviews import Decision, ReviewStatus
from murmur_registry.domain.stages import Stage, stage_of
from murmur_registry.domain.versions import Outcome, VersionStatus
from murmur_registry.repository import ReviewDocument, VersionDocument


class AliasMoveView(BaseModel):
    """One move of an alias: who moved it, when, why, and between which versions."""

    alias: str
    revision: int
    version: int | None = Field(description="null: the alias names nobody any more")
    replaces: int | None
    by: str
    reason: str
    at: datetime
    via: Via = Field(description="the door at which it was asked for; event: the registry followed from what it heard")


class AliasMovePage(BaseModel):
    items: list[AliasMoveView]
    next: str | None


class ModelView(BaseModel):
    """A registered model, and the versions that its aliases name; `aliases` holds the last move of each."""

    name: str
    workspace: str
    workflow: str | None = Field(description="null: clients make its versions")
    latest_version: int
    staging: int | None
    production: int | None
    aliases: dict[str, AliasMoveView]
    description: str
    tags: dict[str, str]
    created_at: datetime
    updated_at: datetime


class ModelPage(BaseModel):
    items: list[ModelView]
    next: str | None


class ModelDetailView(ModelView):
    history: list[AliasMoveView] = Field(description="the last moves of all aliases, newest first; more at .../moves")


class VerdictView(BaseModel):
    outcome: Outcome
    baseline: int | None
    summary: str
    failed_checks: list[str]
    report: Artifact | None


class WaitingView(BaseModel):
    """For which fact a version waits, since when, and whether it should have come by now."""

    fact: Literal["validation.completed", "review.decided", "automation.unfrozen"]
    since: datetime
    due: datetime | None
    overdue: bool


class VersionView(BaseModel):
    model: str
    version: int
    status: VersionStatus
    waiting_for: WaitingView | None
    verdict: VerdictView | None
    workflow: str | None = Field(description="null: a client made it, and nobody validates it")
    revision: int | None
    run_id: str | None
    metrics: dict[str, float]
    stage: Stage = Field(description="in MLflow's words; of a workflow's version it follows from its status")
    aliases: list[str]
    description: str
    tags: dict[str, str]
    source: str | None
    created_at: datetime


class VersionPage(BaseModel):
    items: list[VersionView]
    next: str | None


class ReviewView(BaseModel):
    """What a person is asked, and what they said."""

    model: str
    version: int
    status: ReviewStatus
    baseline: int | None = Field(description="the version in production when it was judged; null: there was none")
    summary: str
    report: Artifact
    requested_at: datetime
    decided_at: datetime | None
    by: str | None
    reason: str | None
    superseded_by: int | None
    overdue: bool = False


class ReviewPage(BaseModel):
    items: list[ReviewView]
    next: str | None


class VersionDetailView(VersionView):
    artifacts: ModelArtifacts | None = Field(description="null: a client made it, its files are at `source`")
    review: ReviewView | None


class ReviewBody(BaseModel):
    """A decision needs a name and a reason: both stay in the history for ever.

    The name is that of the token where the flock asks for one; then it may be left out, and no other is taken.
    """

    decision: Decision
    by: str | None = Field(default=None, min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=2000)


def move_view(move: AliasMove) -> AliasMoveView:
    return AliasMoveView(
        alias=move.alias,
        revision=move.revision,
        version=move.version,
        replaces=move.replaces,
        by=move.by,
        reason=move.reason,
        at=move.at,
        via=move.via,
    )


def model_view(model: RegisteredModel) -> ModelView:
    return ModelView(
        name=model.name,
        workspace=model.workspace,
        workflow=model.workflow,
        latest_version=model.versions,
        staging=model.named_by(Alias.STAGING),
        production=model.named_by(Alias.PRODUCTION),
        aliases={alias: move_view(move) for alias, move in model.aliases.items()},
        description=model.description,
        tags=dict(model.tags),
        created_at=model.created_at,
        updated_at=model.updated_at,
    )


def version_view(version: VersionDocument, model: RegisteredModel) -> VersionView:
    waiting, verdict = version.waiting, version.verdict
    return VersionView(
        model=version.name,
        version=version.version,
        status=version.status,
        waiting_for=WaitingView.model_validate(vars(waiting)) if waiting else None,
        verdict=VerdictView.model_validate({**vars(verdict), "report": version.report}) if verdict else None,
        workflow=version.workflow,
        revision=version.revision,
        run_id=version.run_id,
        metrics=version.state.metrics if version.state else {},
        stage=stage_of(version),
        aliases=model.aliases_of(version.version),
        description=version.description,
        tags=dict(version.tags),
        source=version.source,
        created_at=version.created_at,
    )


def review_view(review: ReviewDocument) -> ReviewView:
    return ReviewView(
        model=review.model,
        version=review.version,
        status=review.status,
        baseline=review.baseline,
        summary=review.summary,
        report=review.report,
        requested_at=review.requested_at,
        decided_at=review.decided_at,
        by=review.by,
        reason=review.reason,
        superseded_by=review.superseded_by,
        overdue=review.overdue,
    )


def version_detail_view(
    version: VersionDocument, model: RegisteredModel, review: ReviewDocument | None
) -> VersionDetailView:
    return VersionDetailView(
        **vars(version_view(version, model)),
        artifacts=version.state.artifacts if version.state else None,
        review=review_view(review) if review else None,
    )
