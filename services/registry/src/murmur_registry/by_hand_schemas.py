"""What the registry's REST API takes and gives about what is done by hand, and about how it was."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from murmur_registry.domain.memory import Change, ModelThen, VersionThen, What
from murmur_registry.domain.models import Via
from murmur_registry.domain.rules import AliasRule, Rules
from murmur_registry.domain.stages import Stage, stage_then
from murmur_registry.domain.versions import VersionStatus

By = Annotated[
    str | None,
    Field(min_length=1, max_length=200, description="who; left out where the flock asks for a token"),
]
Reason = Annotated[str, Field(min_length=1, max_length=2000)]


class AliasBody(BaseModel):
    """Which version an alias shall name, and why."""

    version: int = Field(ge=1)
    by: By = None
    reason: Reason


class VersionBody(BaseModel):
    """A version that had its number elsewhere, brought here with its files."""

    source: str = Field(min_length=1, description="where its files are, as model-versions/create takes it")
    run_id: str | None = None
    run_link: str | None = None
    logged_model: str | None = None
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    by: By = None
    reason: Reason


class NumberedView(BaseModel):
    model: str
    version: int


class AliasesView(BaseModel):
    aliases: dict[str, int]


class AliasRollbackBody(BaseModel):
    to: int | None = Field(default=None, ge=1, description="left out: the version that it named before")
    by: By = None
    reason: Reason


class AliasRollbackView(BaseModel):
    model: str
    alias: str
    leaves: int
    to: int
    requested: bool = Field(
        description="true: production of a workflow's model, which the deployer leads back first; the alias follows"
    )


class AliasRuleBody(BaseModel):
    """Who may move an alias, and the stage of its name; and what must stand on a version that it names."""

    role: Literal["author", "approver", "operator"] = "approver"
    tags: dict[str, str] = Field(default_factory=dict, max_length=20)


class RulesBody(BaseModel):
    aliases: dict[Annotated[str, Field(pattern=r"^[\w\-]+$", max_length=255)], AliasRuleBody] = Field(max_length=20)
    by: By = None
    reason: Reason


class RulesView(BaseModel):
    model: str
    aliases: dict[str, AliasRuleBody]


class VersionThenView(BaseModel):
    version: int
    stage: Stage
    status: VersionStatus | None = Field(description="null: a client made it")
    aliases: list[str]
    description: str
    tags: dict[str, str]
    source: str | None
    run_id: str | None
    created_at: datetime


class VersionsThen(BaseModel):
    items: list[VersionThenView]


class ModelThenView(BaseModel):
    """A model as it was; `name` is the one that it had then."""

    as_of: datetime
    name: str
    description: str
    tags: dict[str, str]
    aliases: dict[str, int]
    versions: list[VersionThenView]
    created_at: datetime


class CauseView(BaseModel):
    correlation_id: str
    event_id: str | None = Field(description="null: a person's call began the chain")


class ChangeView(BaseModel):
    """One entry of a model's memory."""

    version: int | None
    what: What
    name: str = Field(description="of the tag or the alias; else empty")
    before: str | None
    after: str | None
    by: str
    reason: str
    via: Via
    cause: CauseView | None
    at: datetime


class ChangePage(BaseModel):
    items: list[ChangeView]
    next: str | None


def rules_of(body: RulesBody) -> Rules:
    return Rules(aliases={alias: AliasRule(role=rule.role, tags=rule.tags) for alias, rule in body.aliases.items()})


def rules_view(model: str, rules: Rules) -> RulesView:
    return RulesView.model_validate(
        {"model": model, "aliases": {alias: vars(rule) for alias, rule in rules.aliases.items()}}
    )


def change_view(change: Change) -> ChangeView:
    cause = change.cause
    return ChangeView.model_validate(
        {**{name: getattr(change, name) for name in ChangeView.model_fields}, "cause": vars(cause) if cause else None}
    )


def model_then_view(model: ModelThen, at: datetime) -> ModelThenView:
    newest_first = sorted(model.versions.values(), key=lambda version: version.version, reverse=True)
    return ModelThenView(
        as_of=at,
        name=model.name,
        description=model.description,
        tags=dict(model.tags),
        aliases=dict(model.aliases),
        versions=[version_then_view(model, version) for version in newest_first],
        created_at=model.created_at,
    )


def version_then_view(model: ModelThen, version: VersionThen) -> VersionThenView:
    return VersionThenView(
        version=version.version,
        stage=stage_then(version),
        status=VersionStatus(version.status) if version.status else None,
        aliases=[alias for alias, named in model.aliases.items() if named == version.version],
        description=version.description,
        tags=dict(version.tags),
        source=version.facts.get("source"),
        run_id=version.facts.get("run_id"),
        created_at=version.created_at,
    )
