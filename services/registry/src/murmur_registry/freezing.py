"""Promotion while operators have frozen it: good verdicts wait, and are decided about when the freeze has ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.models import PromotionDeferred
from murmur_registry.domain.freezes import Freeze, effective, is_newer, scopes_of
from murmur_registry.domain.models import Alias
from murmur_registry.domain.versions import Awaited, Verdict
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, version_id


async def remember_freeze(event: AutomationFrozen, uow: RegistryUnitOfWork) -> None:
    """One that is older than its own end, and comes after it, changes nothing."""
    if event.what != "promotion":
        return
    known = await uow.freezes.get(event.scope)
    if is_newer(event.revision, known):
        held = known.held if known else ()
        uow.freezes.save(
            Freeze(
                scope=event.scope,
                active=True,
                revision=event.revision,
                by=event.by,
                reason=event.reason,
                held=held,
            )
        )


async def freeze_of(workflow: str, uow: RegistryUnitOfWork) -> Freeze | None:
    return effective([await uow.freezes.get(scope) for scope in scopes_of(workflow)])


def hold(version: VersionDocument, freeze: Freeze, alias: Alias, uow: RegistryUnitOfWork) -> None:
    """It keeps its verdict and waits. The freeze is saved with it, so that its end, should it come now, sees it."""
    assert version.verdict is not None, "only what was judged good is held"
    chain = uow.publish(
        PromotionDeferred(
            model=version.candidate.model,
            version=version.version,
            workflow=version.candidate.workflow,
            alias=alias.value,
            scope=freeze.scope,
            by=freeze.by,
            reason=freeze.reason,
            verdict=version.verdict.summary,
        )
    )
    uow.versions.save(replace(version.held(since=uow.now), deferred=chain))
    uow.freezes.save(freeze.holding(version_id(version.model, version.version)))


Decide = Callable[[Verdict, VersionDocument, RegistryUnitOfWork], Awaitable[None]]


@dataclass(frozen=True)
class Thaw:
    """What the end of a freeze sets free is decided about anew: `decide` is what a new verdict meets too."""

    decide: Decide

    async def decide_again(self, event: AutomationUnfrozen, uow: RegistryUnitOfWork) -> None:
        """Each held version by its verdict, against the baseline of now; where another freeze holds it, it stays."""
        if event.what != "promotion":
            return
        known = await uow.freezes.get(event.scope)
        if not is_newer(event.revision, known):
            return
        before = known or Freeze(scope=event.scope, active=False, revision=0, by=event.by, reason=event.reason)
        uow.freezes.save(before.lifted(event.revision, event.by, event.reason))
        for id_ in sorted(before.held, key=_number):
            version = await uow.versions.require(id_)
            if not version.awaits(Awaited.UNFREEZING) or version.deferred is None or version.verdict is None:
                continue
            other = await freeze_of(version.candidate.workflow, uow)
            if other is not None:
                uow.freezes.save(other.holding(id_))
                continue
            uow.resume(version.deferred)
            await self.decide(version.verdict, replace(version.released(), deferred=None), uow)


def _number(id_: str) -> tuple[str, int]:
    model, _, number = id_.rpartition("/")
    return model, int(number)
