"""Aliases and stages by hand: the same gate before both, whichever door asks for it."""

from dataclasses import dataclass, replace

from murmur_registry import aliases, freezing
from murmur_registry.domain import gates
from murmur_registry.domain.because import Because
from murmur_registry.domain.memory import What
from murmur_registry.domain.models import Alias, RegisteredModel, Via
from murmur_registry.domain.names import check_alias, check_new_alias
from murmur_registry.domain.refusals import Invalid, NotPossible
from murmur_registry.domain.reviews import Decision, ReviewStatus
from murmur_registry.domain.stages import ACTIVE, Stage, guarded_by, stage_of
from murmur_registry.handlers import Handlers
from murmur_registry.remembering import remember
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, rules_id, version_id
from murmur_registry.reviews import DecideReview, Reviews
from murmur_registry.telling import say_version


@dataclass(frozen=True, kw_only=True)
class PointAlias:
    """`version` None: it shall name none any more."""

    key: str
    alias: str
    version: int | None
    because: Because


@dataclass(frozen=True, kw_only=True)
class MoveStage:
    """archive: the versions that are in this stage already leave it."""

    key: str
    version: int
    stage: Stage
    archive: bool
    because: Because


@dataclass(frozen=True)
class Pointing:
    """A workflow's production moves by the same steps as after a verdict or a review."""

    handlers: Handlers
    reviews: Reviews

    async def point_alias(self, command: PointAlias, uow: RegistryUnitOfWork) -> None:
        """Nothing where it is so already. Raises Invalid, NotThere, NotAllowed, NotPossible."""
        if command.version is None:
            check_alias(command.alias)
        else:
            check_new_alias(command.alias)
        model = await uow.live_model(command.key)
        version = None if command.version is None else await uow.live_version(command.key, command.version)
        if gates.belongs_to_promotion(model, command.alias):
            if version is None and model.named_by(command.alias) is None:
                return
            await self._promote(model, command.alias, version, command.because, uow)
            return
        gates.may_name(model, command.alias, version, command.because)
        if model.named_by(command.alias) != command.version:
            aliases.point(model, command.alias, command.version, command.because, uow)

    async def move_stage(self, command: MoveStage, uow: RegistryUnitOfWork) -> tuple[VersionDocument, RegisteredModel]:
        """Raises Invalid, NotThere, NotAllowed, NotPossible."""
        if command.archive and command.stage not in ACTIVE:
            raise Invalid(
                f"Model version transition cannot archive existing model versions because '{command.stage}' is not an"
                f" Active stage. Valid stages are {[stage.value for stage in ACTIVE]}"
            )
        model = await uow.live_model(command.key)
        version = await uow.live_version(command.key, command.version)
        if version.workflow is not None or (model.workflow is not None and command.stage in ACTIVE):
            await self._move_in_workflow(model, version, command, uow)
        else:
            await _move_stage(model, version, command, uow)
        return await uow.live_version(command.key, command.version), await uow.live_model(command.key)

    async def _move_in_workflow(
        self, model: RegisteredModel, version: VersionDocument, command: MoveStage, uow: RegistryUnitOfWork
    ) -> None:
        if stage_of(version) is command.stage:
            return
        if command.stage not in ACTIVE:
            raise NotPossible(
                f"the stage of version {version.version} of {model.name!r}, which a workflow made, follows from its"
                f" validation, its review and its aliases: it is {stage_of(version)} until these change"
            )
        await self._promote(model, guarded_by(command.stage), version, command.because, uow)

    async def _promote(
        self,
        model: RegisteredModel,
        alias: str,
        version: VersionDocument | None,
        because: Because,
        uow: RegistryUnitOfWork,
    ) -> None:
        because.must_hold(gates.APPROVER, f"moving {alias} of {model.name!r}, the model of a workflow,")
        if version is None or alias == Alias.STAGING:
            if version is not None and model.named_by(alias) == version.version:
                return
            raise gates.moved_by_promotion(model, alias)
        if model.baseline == version.version:
            return
        review = await uow.reviews.get(version_id(model.key, version.version))
        if review is not None and review.status is ReviewStatus.OPEN and because.reason and _says_why(because):
            await self._approve(model, version, because, uow)
            return
        rules = await uow.rules.get(rules_id(version.workflow, version.revision)) if version.workflow else None
        gates.may_serve(
            model,
            version,
            because,
            review=review,
            review_required=rules is None or rules.review == "required",
            freeze=await freezing.freeze_of(version.workflow, uow) if version.workflow else None,
        )
        await aliases.to_production(version, model, because, uow, serves_by=self.handlers.serves_by(uow))

    async def _approve(
        self, model: RegisteredModel, version: VersionDocument, because: Because, uow: RegistryUnitOfWork
    ) -> None:
        """Whoever may approve, and says why, has decided the review that is open about this version."""
        decision = DecideReview(
            model.name, version.version, Decision.APPROVED, because.by, because.reason, via=because.via
        )
        await self.reviews.decide(decision, uow)


def _says_why(because: Because) -> bool:
    """MLflow's clients give no reason, so that a door's word for one is no person's."""
    return because.via is not Via.MLFLOW or not because.reason.startswith(UNSAID)


UNSAID = "through the MLflow API"
"""The reason of a call that gives none."""


async def _move_stage(
    model: RegisteredModel, version: VersionDocument, command: MoveStage, uow: RegistryUnitOfWork
) -> None:
    """Of a client's version. Any number may be in one stage, as MLflow has it."""
    gates.may_name(model, guarded_by(command.stage), version, command.because)
    left = model.rules.of(guarded_by(Stage(version.stage)))
    if left is not None:
        command.because.must_satisfy(left, f"taking a version of {model.name!r} out of {version.stage}")
    if command.archive:
        for other in await uow.live_versions(model.key):
            if other.version != version.version and other.workflow is None and other.stage == command.stage:
                _put(other, Stage.ARCHIVED, command.because, uow)
    _put(version, command.stage, command.because, uow)
    uow.models.save(replace(model, updated_at=uow.now))


def _put(version: VersionDocument, stage: Stage, because: Because, uow: RegistryUnitOfWork) -> None:
    remember(
        uow,
        because,
        version.model,
        What.STAGE,
        version=version.version,
        before=version.stage,
        after=stage.value,
    )
    say_version(replace(version, stage=stage.value, updated_at=uow.now), because, uow)
