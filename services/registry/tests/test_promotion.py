"""What a verdict does to a version: message in, messages out."""

from dataclasses import replace

import pytest
from registry_facts import model_deployed, run_completed, short, state, validation_completed, workflow_applied
from registry_scenes import Registry, given_candidates, given_production, status_of

from murmur_events.models import ModelPromoted, ModelRejected, ReviewRequested
from murmur_events.validation import ValidationRequested
from murmur_kernel.consuming import Ack, Dead, Park
from murmur_kernel.documents import Query
from murmur_registry.domain.models import Alias
from murmur_registry.domain.reviews import ReviewStatus
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.repository import MODELS, MOVES, REVIEWS
from murmur_registry.reviews import Reviews


async def test_a_first_version_goes_to_staging_and_a_person_is_asked(registry: Registry) -> None:
    await given_candidates(registry, 1)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"), event_id="verdict")
    promoted, asked = registry.published
    assert promoted == ModelPromoted(
        model="credit",
        version=1,
        alias="staging",
        alias_revision=1,
        replaces=None,
        state=state(1),
        by="registry",
        reason="first it is",
    )
    assert isinstance(asked, ReviewRequested)
    assert (asked.version, asked.baseline, asked.summary) == (1, None, "first it is")
    assert {envelope.causation_id for envelope in registry.envelopes} == {"verdict"}
    assert await status_of(registry, 1) is VersionStatus.STAGING


async def test_where_no_review_is_required_it_goes_straight_to_production(registry: Registry) -> None:
    await given_candidates(registry, 2, review="none")
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    await registry.receives(validation_completed(2, baseline=1))
    assert [short(event) for event in registry.take_published()] == ["production v1", "production v2", "archived v1"]
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert (model.baseline, model.named_by(Alias.STAGING)) == (2, None)


@pytest.mark.parametrize("verdict", ["not_better", "failed"])
async def test_a_worse_candidate_is_rejected_with_its_failed_checks(registry: Registry, verdict: str) -> None:
    await given_candidates(registry, 1)
    await registry.receives(validation_completed(1, baseline=None, verdict=verdict))
    assert registry.published == [
        ModelRejected(
            model="credit",
            version=1,
            by="registry",
            reason=f"{verdict} it is",
            failed_checks=("better_than_baseline",),
        )
    ]
    assert await status_of(registry, 1) is VersionStatus.REJECTED
    assert await registry.get(REVIEWS, "credit/1") is None


async def test_a_verdict_against_an_outdated_baseline_is_asked_for_again(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await given_production(registry, reviews, 1)
    await registry.receives(validation_completed(2, baseline=None, verdict="first"))
    assert registry.take_published() == [
        ValidationRequested(model="credit", version=2, candidate=state(2), baseline=state(1))
    ]
    await registry.receives(validation_completed(2, baseline=1))
    assert [short(event) for event in registry.published] == ["staging v2", "ReviewRequested"]


async def test_a_verdict_asked_for_again_has_a_deadline_of_its_own(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await given_production(registry, reviews, 1)
    await registry.receives(model_deployed(1))
    registry.clock.advance(14 * 60)
    await registry.receives(validation_completed(2, baseline=None, verdict="first"))
    registry.clock.advance(2 * 60)
    assert await registry.run_jobs() == 0
    registry.clock.advance(14 * 60)
    assert await registry.run_jobs() == 1


async def test_a_version_waiting_in_staging_gives_way_to_a_newer_one(registry: Registry) -> None:
    await given_candidates(registry, 2)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    registry.take_published()
    await registry.receives(validation_completed(2, baseline=None, verdict="first"))
    assert [short(event) for event in registry.published] == ["staging v2", "archived v1", "ReviewRequested"]
    assert await status_of(registry, 1) is VersionStatus.ARCHIVED
    review = await registry.get(REVIEWS, "credit/1")
    assert review is not None
    assert (review.status, review.superseded_by) == (ReviewStatus.SUPERSEDED, 2)


async def test_an_older_version_does_not_displace_a_newer_one_from_staging(registry: Registry) -> None:
    await given_candidates(registry, 2)
    await registry.receives(validation_completed(2, baseline=None, verdict="first"))
    registry.take_published()
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    (rejected,) = registry.published
    assert isinstance(rejected, ModelRejected)
    assert "v2 is newer" in rejected.reason
    assert await status_of(registry, 2) is VersionStatus.STAGING


async def test_a_second_verdict_about_a_decided_version_changes_nothing(registry: Registry) -> None:
    await given_candidates(registry, 1)
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    registry.take_published()
    assert await registry.receives(validation_completed(1, baseline=None, verdict="failed")) == Ack()
    assert registry.published == []
    assert await status_of(registry, 1) is VersionStatus.STAGING


async def test_a_verdict_delivered_twice_promotes_once(registry: Registry) -> None:
    await given_candidates(registry, 1)
    for _ in range(2):
        await registry.receives(validation_completed(1, baseline=None, verdict="first"), event_id="verdict")
    assert [short(event) for event in registry.published] == ["staging v1", "ReviewRequested"]
    moves = await registry.store.find(MOVES.name, Query())
    assert len(moves.items) == 1


async def test_an_unknown_verdict_is_a_dead_letter_and_decides_nothing(registry: Registry) -> None:
    await given_candidates(registry, 1)
    record = registry.record_of(validation_completed(1, baseline=None, verdict="first"))
    outcome = await registry.receives_record(replace(record, value=record.value.replace(b'"first"', b'"splendid"')))
    assert isinstance(outcome, Dead)
    assert registry.published == []
    assert await status_of(registry, 1) is VersionStatus.CANDIDATE


async def test_a_verdict_waits_for_the_rules_of_its_workflow(registry: Registry) -> None:
    await registry.receives(run_completed())
    registry.take_published()
    assert await registry.receives(validation_completed(1, baseline=None, verdict="first")) == Park(
        "promotion-rules/credit@1"
    )
    assert registry.published == []
    await registry.receives(workflow_applied())
    assert [short(event) for event in registry.published] == ["staging v1", "ReviewRequested"]
