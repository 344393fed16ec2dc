"""Where a test may begin: candidates that wait for a verdict, a version in production, one in staging."""

from registry_facts import run_completed, validation_completed, workflow_applied

from murmur_kernel.testing import Harness
from murmur_registry.domain.reviews import Decision
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.repository import VERSIONS, RegistryUnitOfWork
from murmur_registry.reviews import DecideReview, Reviews

Registry = Harness[RegistryUnitOfWork]


def decide(version: int, decision: Decision = Decision.APPROVED, *, by: str = "ann") -> DecideReview:
    return DecideReview("credit", version, decision, by, "seen the report")


async def given_candidates(registry: Registry, count: int, *, review: str = "required") -> None:
    await registry.receives(workflow_applied(review=review))
    for number in range(1, count + 1):
        await registry.receives(run_completed(f"run-{number}"))
    registry.take_published()


async def given_production(registry: Registry, reviews: Reviews, version: int, *, baseline: int | None = None) -> None:
    await registry.receives(validation_completed(version, baseline=baseline, verdict="better" if baseline else "first"))
    await registry.change(reviews.decide, decide(version))
    registry.take_published()


async def status_of(registry: Registry, version: int) -> VersionStatus:
    document = await registry.get(VERSIONS, f"credit/{version}")
    assert document is not None
    return document.status


async def given_staging(registry: Registry, version: int, *, baseline: int | None) -> None:
    """The verdict is better, and a review is open."""
    await registry.receives(validation_completed(version, baseline=baseline, verdict="better" if baseline else "first"))
    registry.take_published()
