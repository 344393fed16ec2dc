"""How a change enters the registry's memory: with who asked for it, when, why, at which door, and what caused it."""

from collections.abc import Mapping

from murmur_registry.domain.because import Because
from murmur_registry.domain.memory import Change, What
from murmur_registry.domain.models import Cause
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument


def cause_of(uow: RegistryUnitOfWork) -> Cause:
    """What this unit of work follows from. To be asked before it says anything of its own."""
    return Cause(correlation_id=uow.chain.correlation_id, event_id=uow.chain.causation_id)


def remember(
    uow: RegistryUnitOfWork,
    because: Because,
    model: str,
    what: What,
    *,
    version: int | None = None,
    name: str = "",
    before: str | None = None,
    after: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> None:
    """`model` is its key."""
    uow.changes.save(
        Change(
            id=uow.new_id(f"change/{model}/{version}/{what}/{name}/{before}/{after}"),
            model=model,
            version=version,
            what=what,
            name=name,
            before=before,
            after=after,
            by=because.by,
            reason=because.reason,
            via=because.via,
            cause=cause_of(uow),
            at=uow.now,
            facts=facts or {},
        )
    )


def remember_status(version: VersionDocument, after: VersionStatus, because: Because, uow: RegistryUnitOfWork) -> None:
    """Of a workflow's version, which the caller saves."""
    if version.status is not after:
        remember(
            uow,
            because,
            version.model,
            What.STATUS,
            version=version.version,
            before=version.status.value,
            after=after.value,
        )


def remember_alias(
    uow: RegistryUnitOfWork, because: Because, model: str, alias: str, *, left: int | None, names: int | None
) -> None:
    """`version` is the one that it names now."""
    remember(
        uow,
        because,
        model,
        What.ALIAS,
        version=names,
        name=alias,
        before=None if left is None else str(left),
        after=None if names is None else str(names),
    )
