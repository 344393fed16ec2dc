"""How an alias moves: the model, the history and the facts together, whoever decided it."""

from dataclasses import replace
from datetime import datetime

from murmur_events.models import ModelArchived, ModelPromoted
from murmur_events.registry import AliasMoved
from murmur_registry import jobs
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Alias, AliasMove, RegisteredModel
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.remembering import cause_of, remember_alias, remember_status
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, version_id


async def to_staging(
    version: VersionDocument, model: RegisteredModel, because: Because, uow: RegistryUnitOfWork
) -> None:
    """Staging names this version. A version that waited there is archived, its review superseded.

    A version that is there already (judged again) stays, and nothing is said. The caller saves the version itself.
    """
    if model.named_by(Alias.STAGING) == version.version:
        return
    replaced = _move(model, Alias.STAGING, version, because, uow)
    await _archive(version, replaced, Alias.STAGING, because, uow)


async def to_production(
    version: VersionDocument, model: RegisteredModel, because: Because, uow: RegistryUnitOfWork, *, serves_by: datetime
) -> None:
    """Production names this version, staging nobody; whoever they named before is archived.

    serves_by: when the deployer should have said what became of it.
    """
    waiting = model.named_by(Alias.STAGING)
    replaced = _move(model, Alias.PRODUCTION, version, because, uow)
    remember_status(version, VersionStatus.PRODUCTION, because, uow)
    uow.versions.save(version.ended_as(VersionStatus.PRODUCTION, at=uow.now))
    jobs.await_rollout(version, serves_by, uow)
    if replaced != version.version:
        await _archive(version, replaced, Alias.PRODUCTION, because, uow)
    if waiting is not None:
        went = Because(because.by, f"v{version.version} went to production", because.via)
        await empty_staging(version.model, went, uow)
    if waiting != version.version:
        await _archive(version, waiting, Alias.STAGING, because, uow)


async def back_to_production(
    version: VersionDocument, model: RegisteredModel, because: Because, uow: RegistryUnitOfWork, *, serves_by: datetime
) -> None:
    """Production names this version again; the one that it named is archived, if it was another. Staging stays as it
    is."""
    replaced = _move(model, Alias.PRODUCTION, version, because, uow)
    remember_status(version, VersionStatus.PRODUCTION, because, uow)
    uow.versions.save(version.ended_as(VersionStatus.PRODUCTION, at=uow.now))
    jobs.await_rollout(version, serves_by, uow)
    if replaced != version.version:
        await _archive(version, replaced, Alias.PRODUCTION, because, uow)


async def empty_staging(model_name: str, because: Because, uow: RegistryUnitOfWork) -> None:
    """Staging names nobody any more."""
    carry_out(await uow.models.require(model_name), Alias.STAGING, None, because, uow)


def carry_out(
    model: RegisteredModel, alias: str, version: int | None, because: Because, uow: RegistryUnitOfWork
) -> AliasMove:
    """The alias names this version, or none: in the model, in its own history and in the memory. Nothing is said."""
    move = model.move(
        alias, version, by=because.by, reason=because.reason, at=uow.now, via=because.via, cause=cause_of(uow)
    )
    remember_alias(uow, because, model.key, alias, left=move.replaces, names=version)
    uow.moves.save(move)
    uow.models.save(model.after(move))
    return move


def point(model: RegisteredModel, alias: str, version: int | None, because: Because, uow: RegistryUnitOfWork) -> None:
    """An alias that no workflow's promotion moves names this version, or none, and everybody is told.

    The model itself is not taken for changed by it, as MLflow's clients expect.
    """
    move = carry_out(model, alias, version, because, uow)
    uow.models.save(replace(model.after(move), updated_at=model.updated_at))
    uow.publish(
        AliasMoved(
            model=model.key,
            workspace=model.workspace,
            name=model.name,
            alias=alias,
            version=version,
            replaces=move.replaces,
            revision=move.revision,
            by=because.by,
            reason=because.reason,
            via=because.via.value,
        )
    )


def _move(
    model: RegisteredModel, alias: Alias, version: VersionDocument, because: Because, uow: RegistryUnitOfWork
) -> int | None:
    move = carry_out(model, alias, version.version, because, uow)
    uow.publish(
        ModelPromoted(
            model=version.candidate.model,
            version=version.version,
            alias=alias.value,
            alias_revision=move.revision,
            replaces=move.replaces,
            state=version.candidate,
            by=because.by,
            reason=because.reason,
        )
    )
    return move.replaces


async def _archive(
    by: VersionDocument, replaced: int | None, was: Alias, because: Because, uow: RegistryUnitOfWork
) -> None:
    if replaced is None:
        return
    old = await uow.versions.require(version_id(by.model, replaced))
    left = Because(because.by, f"v{by.version} took {was}: {because.reason}", because.via)
    remember_status(old, VersionStatus.ARCHIVED, left, uow)
    uow.versions.save(old.ended_as(VersionStatus.ARCHIVED, at=uow.now))
    uow.publish(ModelArchived(model=by.candidate.model, version=replaced, was=was.value, replaced_by=by.version))
    if (review := await uow.reviews.get(version_id(by.model, replaced))) is not None:
        superseded = review.superseded(by.version)
        uow.reviews.save(superseded)
        await jobs.review_ended(superseded, uow)
