"""How an alias moves: the model, the history and the facts together, whoever decided it."""

from dataclasses import dataclass
from datetime import datetime

from murmur_events.models import ModelArchived, ModelPromoted
from murmur_registry import jobs
from murmur_registry.domain.models import Alias, RegisteredModel
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, version_id

THE_REGISTRY = "registry"
"""Who moved an alias when no person did."""


@dataclass(frozen=True)
class Because:
    """Who moves an alias, and why."""

    by: str
    reason: str


async def to_staging(
    version: VersionDocument, model: RegisteredModel, because: Because, uow: RegistryUnitOfWork
) -> None:
    """Staging names this version. A version that waited there is archived, its review superseded.

    A version that is there already (judged again) stays, and nothing is said. The caller saves the version itself.
    """
    if model.named_by(Alias.STAGING) == version.version:
        return
    replaced = _move(model, Alias.STAGING, version, because, uow)
    await _archive(version, replaced, Alias.STAGING, uow)


async def to_production(
    version: VersionDocument, model: RegisteredModel, because: Because, uow: RegistryUnitOfWork, *, serves_by: datetime
) -> None:
    """Production names this version, staging nobody; whoever they named before is archived.

    serves_by: when the deployer should have said what became of it.
    """
    waiting = model.named_by(Alias.STAGING)
    replaced = _move(model, Alias.PRODUCTION, version, because, uow)
    uow.versions.save(version.ended_as(VersionStatus.PRODUCTION))
    jobs.await_rollout(version, serves_by, uow)
    await _archive(version, replaced, Alias.PRODUCTION, uow)
    if waiting is not None:
        await empty_staging(version.model, Because(because.by, f"v{version.version} went to production"), uow)
    if waiting != version.version:
        await _archive(version, waiting, Alias.STAGING, uow)


async def back_to_production(
    version: VersionDocument, model: RegisteredModel, because: Because, uow: RegistryUnitOfWork, *, serves_by: datetime
) -> None:
    """Production names this version again; the one that it named is archived, if it was another. Staging stays as it
    is."""
    replaced = _move(model, Alias.PRODUCTION, version, because, uow)
    uow.versions.save(version.ended_as(VersionStatus.PRODUCTION))
    jobs.await_rollout(version, serves_by, uow)
    if replaced != version.version:
        await _archive(version, replaced, Alias.PRODUCTION, uow)


async def empty_staging(model_name: str, because: Because, uow: RegistryUnitOfWork) -> None:
    """Staging names nobody any more."""
    model = await uow.models.require(model_name)
    move = model.move(Alias.STAGING, None, by=because.by, reason=because.reason, at=uow.now)
    uow.moves.save(move)
    uow.models.save(model.after(move))


def _move(
    model: RegisteredModel, alias: Alias, version: VersionDocument, because: Because, uow: RegistryUnitOfWork
) -> int | None:
    move = model.move(alias, version.version, by=because.by, reason=because.reason, at=uow.now)
    uow.moves.save(move)
    uow.models.save(model.after(move))
    uow.publish(
        ModelPromoted(
            model=version.state.model,
            version=version.version,
            alias=alias.value,
            alias_revision=move.revision,
            replaces=move.replaces,
            state=version.state,
            by=because.by,
            reason=because.reason,
        )
    )
    return move.replaces


async def _archive(by: VersionDocument, replaced: int | None, was: Alias, uow: RegistryUnitOfWork) -> None:
    if replaced is None:
        return
    old = await uow.versions.require(version_id(by.model, replaced))
    uow.versions.save(old.ended_as(VersionStatus.ARCHIVED))
    uow.publish(ModelArchived(model=by.state.model, version=replaced, was=was.value, replaced_by=by.version))
    if (review := await uow.reviews.get(version_id(by.model, replaced))) is not None:
        superseded = review.superseded(by.version)
        uow.reviews.save(superseded)
        await jobs.review_ended(superseded, uow)
