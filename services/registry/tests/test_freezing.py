"""Promotion under a freeze: good verdicts wait with a fact that says so, and are decided about when it has ended."""

from dataclasses import replace

import pytest
from registry_facts import short, validation_completed
from registry_scenes import Registry, decide, given_candidates, given_production, status_of

from murmur_events import Event
from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.models import PromotionDeferred
from murmur_events.validation import ValidationRequested
from murmur_kernel.consuming import Ack
from murmur_registry.domain.reviews import Decision
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.repository import FREEZES, VERSIONS
from murmur_registry.reviews import Reviews


def frozen(scope: str = "promotion/credit", revision: int = 1) -> AutomationFrozen:
    return AutomationFrozen(**_facts(scope, revision))


def unfrozen(scope: str = "promotion/credit", revision: int = 2) -> AutomationUnfrozen:
    return AutomationUnfrozen(**_facts(scope, revision))


def _facts(scope: str, revision: int) -> dict[str, object]:
    what, workflow = scope.split("/")
    named = None if workflow == "*" else workflow
    return {
        "scope": scope,
        "what": what,
        "workflow": named,
        "revision": revision,
        "by": "olga",
        "reason": "an audit",
    }


def told(registry: Registry) -> list[str]:
    return [
        f"deferred v{event.version}" if isinstance(event, PromotionDeferred) else short(event)
        for event in registry.take_published()
    ]


@pytest.mark.parametrize("scope", ["promotion/credit", "promotion/*"])
async def test_a_good_verdict_is_held_and_decided_about_when_the_freeze_ends(registry: Registry, scope: str) -> None:
    await given_candidates(registry, 1, review="none")
    await registry.receives(frozen(scope))
    await registry.receives(validation_completed(1, baseline=None, verdict="first"), event_id="verdict")
    (deferred,) = registry.published
    assert deferred == PromotionDeferred(
        model="credit",
        version=1,
        workflow="credit",
        alias="production",
        scope=scope,
        by="olga",
        reason="an audit",
        verdict="first it is",
    )
    (held,) = registry.envelopes
    registry.take_published()
    assert await status_of(registry, 1) is VersionStatus.CANDIDATE
    await registry.receives(unfrozen(scope))
    (promoted,) = registry.envelopes
    assert told(registry) == ["production v1"]
    assert (promoted.correlation_id, promoted.causation_id) == (held.correlation_id, held.id)


async def test_without_a_freeze_it_is_promoted_at_once(registry: Registry) -> None:
    """Negative control: a freeze of another workflow, of retraining, and one that was lifted hold nothing."""
    await given_candidates(registry, 1, review="none")
    others: list[Event] = [frozen("promotion/churn"), frozen("retraining/*"), frozen(), unfrozen()]
    for event in others:
        await registry.receives(event)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    assert told(registry) == ["production v1"]


async def test_the_baseline_is_compared_again_when_the_freeze_ends(registry: Registry, reviews: Reviews) -> None:
    """Held against nobody; meanwhile a person puts another version into production."""
    await given_candidates(registry, 2)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    await registry.receives(frozen())
    await registry.receives(validation_completed(2, baseline=None, verdict="first"))
    registry.take_published()
    await registry.change(reviews.decide, decide(1))
    assert told(registry)[-1] == "production v1", "what a person decides is not held"
    await registry.receives(unfrozen())
    (again,) = registry.take_published()
    assert isinstance(again, ValidationRequested)
    assert again.baseline is not None
    assert (again.version, again.baseline.version) == (2, 1)


async def test_bad_verdicts_are_not_held_and_people_may_still_refuse(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    registry.take_published()
    await registry.receives(frozen())
    await registry.receives(validation_completed(2, baseline=None, verdict="failed"))
    assert told(registry) == ["rejected v2"]
    await registry.change(reviews.decide, decide(1, Decision.REFUSED))
    assert told(registry)[-1] == "rejected v1"


async def test_lifting_one_of_two_freezes_leaves_it_held(registry: Registry) -> None:
    await given_candidates(registry, 1, review="none")
    await registry.receives(frozen("promotion/*"))
    await registry.receives(frozen("promotion/credit"))
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    await registry.receives(unfrozen("promotion/credit"))
    assert told(registry) == ["deferred v1"]
    await registry.receives(unfrozen("promotion/*"))
    assert told(registry) == ["production v1"]


async def test_a_freeze_that_comes_after_its_own_end_changes_nothing(registry: Registry) -> None:
    await given_candidates(registry, 1, review="none")
    await registry.receives(unfrozen())
    assert isinstance(await registry.receives(frozen()), Ack)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    assert told(registry) == ["production v1"]


async def test_several_held_versions_are_decided_about_in_their_order(registry: Registry) -> None:
    await given_candidates(registry, 3, review="none")
    await registry.receives(frozen())
    for version in (2, 1, 3):
        await registry.receives(validation_completed(version, baseline=None, verdict="first"))
    registry.take_published()
    await registry.receives(unfrozen())
    assert told(registry) == ["production v1", "ValidationRequested", "ValidationRequested"]


async def test_a_second_verdict_of_a_held_version_changes_nothing(registry: Registry) -> None:
    await given_candidates(registry, 1, review="none")
    await registry.receives(frozen())
    for _ in range(2):
        await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    assert told(registry) == ["deferred v1"]


async def test_a_verdict_and_the_end_of_the_freeze_at_the_same_moment_leave_nothing_held(registry: Registry) -> None:
    """Both have read the freeze; without its save by the one who holds, the version would be held for ever."""
    await given_candidates(registry, 1, review="none")
    await registry.receives(frozen())
    seen = await registry.store.get("freeze", "promotion/credit")
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    changed = await registry.store.get("freeze", "promotion/credit")
    assert seen is not None
    assert changed is not None
    assert changed.version == seen.version + 1
    assert FREEZES.load(changed.body).held == ("credit/1",)


async def test_a_held_version_shows_what_it_waits_for(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2, review="required")
    await given_production(registry, reviews, 1)
    await registry.receives(frozen())
    await registry.receives(validation_completed(2, baseline=1))
    version = await registry.get(VERSIONS, "credit/2")
    assert version is not None
    assert version.waiting is not None
    assert (version.waiting.fact.value, version.verdict is not None) == ("automation.unfrozen", True)
    assert replace(version, deferred=None) != version
