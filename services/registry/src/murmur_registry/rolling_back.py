"""One call takes an alias back: to the version that it named before, or to one that is named."""

from dataclasses import dataclass

from murmur_events.base import ModelName
from murmur_events.registry import RollbackRequested
from murmur_registry import aliases, jobs
from murmur_registry.domain import gates
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Alias, AliasMove, RegisteredModel
from murmur_registry.domain.refusals import NotPossible
from murmur_registry.handlers import Handlers
from murmur_registry.repository import RegistryUnitOfWork, every


@dataclass(frozen=True, kw_only=True)
class RollBackAlias:
    """`to` None: the version that it named before the one of now."""

    key: str
    alias: str
    to: int | None
    because: Because


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """requested: what serves is the deployer's to change, and the alias follows when it has."""

    alias: str
    leaves: int
    to: int
    requested: bool


@dataclass(frozen=True)
class RollingBack:
    handlers: Handlers

    async def roll_back(self, command: RollBackAlias, uow: RegistryUnitOfWork) -> RolledBack:
        """Raises NotThere, NotAllowed, NotPossible."""
        model = await uow.live_model(command.key)
        leaves = model.named_by(command.alias)
        if leaves is None:
            raise NotPossible(
                f"the alias {command.alias!r} of {model.name!r} names no version: there is nothing to leave"
            )
        named = [move async for move in every(uow.moves, {"model": model.key}) if move.alias == command.alias]
        to = command.to if command.to is not None else _before(named, leaves)
        if to is None or to == leaves or all(move.version != to for move in named):
            raise NotPossible(
                f"the alias {command.alias!r} of {model.name!r} "
                + (
                    f"never named version {to}"
                    if to and to != leaves
                    else f"named no other version than {leaves} before"
                )
                + ": say in `to` which one that it named it shall name again"
            )
        version = await uow.live_version(model.key, to)
        if gates.belongs_to_promotion(model, command.alias):
            self._ask_for(model, command, leaves, to, uow)
            return RolledBack(alias=command.alias, leaves=leaves, to=to, requested=True)
        gates.may_name(model, command.alias, version, command.because)
        aliases.point(model, command.alias, to, command.because, uow)
        return RolledBack(alias=command.alias, leaves=leaves, to=to, requested=False)

    def _ask_for(
        self, model: RegisteredModel, command: RollBackAlias, leaves: int, to: int, uow: RegistryUnitOfWork
    ) -> None:
        """Freezes hold promotions, not the way back."""
        if command.alias != Alias.PRODUCTION:
            raise gates.moved_by_promotion(model, command.alias)
        command.because.must_hold(gates.APPROVER, f"rolling production of {model.name!r} back")
        uow.publish(
            RollbackRequested(
                model=ModelName(model.key),
                version=leaves,
                to=to,
                by=command.because.by,
                reason=command.because.reason,
            )
        )
        jobs.await_rollback(model, self.handlers.serves_by(uow), uow)
        uow.models.save(model)  # of two who ask at once the second reads what the first wrote


def _before(moves: list[AliasMove], leaves: int) -> int | None:
    """The last version that it named and that is not the one of now."""
    named = [move.version for move in sorted(moves, key=lambda move: move.revision)]
    return next((version for version in reversed(named) if version not in (None, leaves)), None)
