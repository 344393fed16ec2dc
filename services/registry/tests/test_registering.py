"""A run becomes a version, once."""

import pytest
from registry_facts import model_artifacts, run_completed, short, validation_completed, workflow_applied

from murmur_events.models import ModelRegistered, VersionState
from murmur_events.reproductions import Reproduction
from murmur_kernel.consuming import Ack
from murmur_kernel.testing import Harness
from murmur_registry.domain.because import Because
from murmur_registry.domain.refusals import NotPossible
from murmur_registry.domain.versions import Awaited, VersionStatus
from murmur_registry.repository import MODELS, VERSIONS, RegistryUnitOfWork
from murmur_registry.versioning import MakeVersion, make_version

Registry = Harness[RegistryUnitOfWork]


async def test_a_run_with_a_model_becomes_the_next_version(registry: Registry) -> None:
    await registry.receives(run_completed("run-a"))
    await registry.receives(run_completed("run-b"))
    assert [short(event) for event in registry.published] == ["registered v1", "registered v2"]
    assert registry.published[1] == ModelRegistered(
        model="credit",
        version=2,
        state=VersionState(
            model="credit",
            version=2,
            workflow="credit",
            revision=1,
            run_id="run-b",
            artifacts=model_artifacts(),
            metrics={"auc": 0.78},
        ),
    )
    version = await registry.get(VERSIONS, "credit/2")
    assert version is not None
    assert version.status is VersionStatus.CANDIDATE
    assert version.awaits(Awaited.VERDICT)


async def test_the_same_run_reported_twice_is_one_version(registry: Registry) -> None:
    await registry.receives(run_completed("run-a"), event_id="e1")
    await registry.receives(run_completed("run-a"), event_id="e1")  # delivered again
    await registry.receives(run_completed("run-a"), event_id="e2")  # said again
    assert [short(event) for event in registry.published] == ["registered v1"]
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert model.versions == 1


async def test_a_run_without_a_model_makes_no_version(registry: Registry) -> None:
    assert await registry.receives(run_completed(with_model=False)) == Ack()
    assert registry.published == []
    assert await registry.get(MODELS, "credit") is None


async def test_a_run_that_repeats_another_becomes_no_version(registry: Registry) -> None:
    first = run_completed()
    verdict = Reproduction(of="run-0", verdict="different", original_sha256="a" * 64, reproduced_sha256="b" * 64)
    assert await registry.receives(first.model_copy(update={"reproduction": verdict})) == Ack()
    assert registry.published == []
    assert await registry.get(MODELS, "credit") is None


async def test_a_run_of_research_makes_no_version_though_it_has_a_model(registry: Registry) -> None:
    assert await registry.receives(run_completed().model_copy(update={"research": True})) == Ack()
    assert registry.published == []
    assert await registry.get(MODELS, "credit") is None


async def test_a_registered_version_names_the_run_as_its_cause(registry: Registry) -> None:
    await registry.receives(run_completed(), event_id="the-run")
    (envelope,) = registry.envelopes
    assert envelope.causation_id == "the-run"


async def test_a_verdict_that_does_not_come_in_time_is_marked_and_still_counts_later(registry: Registry) -> None:
    await registry.receives(workflow_applied())
    await registry.receives(run_completed())
    registry.clock.advance(15 * 60 - 1)
    await registry.run_jobs()
    assert not await overdue(registry)
    registry.clock.advance(2)
    await registry.run_jobs()
    assert await overdue(registry)

    registry.take_published()
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    assert [short(event) for event in registry.published] == ["TroubleReported", "staging v1", "ReviewRequested"]


async def test_a_verdict_that_came_is_never_overdue(registry: Registry) -> None:
    await registry.receives(workflow_applied())
    await registry.receives(run_completed())
    await registry.receives(validation_completed(1, baseline=None, verdict="failed"))
    registry.clock.advance(3600)
    assert await registry.run_jobs() == 0


async def overdue(registry: Registry) -> bool:
    version = await registry.get(VERSIONS, "credit/1")
    return version is not None and version.waiting is not None and version.waiting.overdue


async def test_nobody_numbers_a_version_of_a_workflows_model_but_its_runs(registry: Registry) -> None:
    await registry.receives(run_completed())
    brought = MakeVersion(
        key="credit", number=7, source="runs:/r/model", because=Because("ann", "brought from elsewhere")
    )
    with pytest.raises(NotPossible, match="whose runs number it"):
        await registry.change(make_version, brought)
    assert await registry.get(VERSIONS, "credit/7") is None
