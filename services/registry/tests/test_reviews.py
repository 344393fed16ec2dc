"""A person decides: once, and only about what is still in question."""

import pytest
from registry_facts import run_completed, short, state, validation_completed, workflow_applied
from registry_scenes import Registry, decide, given_candidates, given_production, given_staging, status_of

from murmur_events.models import ModelArchived, ModelPromoted, ModelRejected, ReviewDecided
from murmur_events.validation import ValidationRequested
from murmur_kernel.documents import Query
from murmur_kernel.errors import Missing
from murmur_registry.domain.models import Alias
from murmur_registry.domain.reviews import Decision, ReviewNotOpen, ReviewStatus
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.repository import MODELS, MOVES, REVIEWS
from murmur_registry.reviews import Reviews


async def test_an_approved_version_replaces_the_one_in_production(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await given_production(registry, reviews, 1)
    await given_staging(registry, 2, baseline=1)
    view = await registry.change(reviews.decide, decide(2))
    assert view.status is ReviewStatus.APPROVED
    assert registry.published == [
        ReviewDecided(model="credit", version=2, decision="approved", by="ann", reason="seen the report"),
        ModelPromoted(
            model="credit",
            version=2,
            alias="production",
            alias_revision=2,
            replaces=1,
            state=state(2),
            by="ann",
            reason="seen the report",
        ),
        ModelArchived(model="credit", version=1, was="production", replaced_by=2),
    ]
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert (model.named_by(Alias.PRODUCTION), model.named_by(Alias.STAGING)) == (2, None)
    assert await status_of(registry, 1) is VersionStatus.ARCHIVED
    assert await status_of(registry, 2) is VersionStatus.PRODUCTION


async def test_a_refused_version_is_rejected_and_staging_is_left_empty(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 1)
    await given_staging(registry, 1, baseline=None)
    await registry.change(reviews.decide, decide(1, Decision.REFUSED))
    assert registry.published == [
        ReviewDecided(model="credit", version=1, decision="refused", by="ann", reason="seen the report"),
        ModelRejected(model="credit", version=1, by="ann", reason="seen the report"),
    ]
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert (model.baseline, model.named_by(Alias.STAGING)) == (None, None)
    assert await status_of(registry, 1) is VersionStatus.REJECTED


async def test_a_decision_continues_the_chain_in_which_it_was_asked_for(registry: Registry, reviews: Reviews) -> None:
    await registry.receives(workflow_applied())
    await registry.receives(run_completed())
    await registry.receives(validation_completed(1, baseline=None, verdict="first"), event_id="verdict")
    asked = next(envelope for envelope in registry.envelopes if envelope.topic == "review.requested")
    registry.take_published()
    await registry.change(reviews.decide, decide(1))
    decided, promoted = registry.envelopes
    assert (decided.correlation_id, decided.causation_id) == (asked.correlation_id, asked.id)
    assert (promoted.correlation_id, promoted.causation_id) == (asked.correlation_id, decided.id)


async def test_deciding_twice_is_refused_and_says_who_decided(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 1)
    await given_staging(registry, 1, baseline=None)
    await registry.change(reviews.decide, decide(1, by="ann"))
    registry.take_published()
    with pytest.raises(ReviewNotOpen, match="ann approved it already"):
        await registry.change(reviews.decide, decide(1, Decision.REFUSED, by="bob"))
    assert registry.published == []
    assert await status_of(registry, 1) is VersionStatus.PRODUCTION


async def test_the_same_call_repeated_under_its_key_decides_once(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 1)
    await given_staging(registry, 1, baseline=None)
    for _ in range(2):
        await registry.change(reviews.decide, decide(1), key="call-1")
    assert [short(event) for event in registry.published] == ["ReviewDecided", "production v1"]


async def test_a_superseded_version_cannot_be_decided(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await given_staging(registry, 1, baseline=None)
    await given_staging(registry, 2, baseline=None)
    with pytest.raises(ReviewNotOpen, match="v2 took its place"):
        await registry.change(reviews.decide, decide(1))


async def test_a_version_whose_verdict_is_awaited_cannot_be_decided(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 1)
    with pytest.raises(ReviewNotOpen, match="verdict is still awaited"):
        await registry.change(reviews.decide, decide(1))


async def test_a_rejected_version_cannot_be_decided(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 1)
    await registry.receives(validation_completed(1, baseline=None, verdict="failed"))
    with pytest.raises(ReviewNotOpen, match="rejected"):
        await registry.change(reviews.decide, decide(1))


async def test_a_version_that_does_not_exist_is_missing(registry: Registry, reviews: Reviews) -> None:
    with pytest.raises(Missing, match="credit/7"):
        await registry.change(reviews.decide, decide(7))


async def given_staging_with_an_outdated_baseline(registry: Registry, reviews: Reviews) -> None:
    """v3 waits in staging, judged against v1, while production has come to name v2."""
    await given_candidates(registry, 3)
    await given_production(registry, reviews, 1)
    await given_staging(registry, 3, baseline=1)
    model = await registry.get(MODELS, "credit")
    assert model is not None
    moved = model.move(Alias.PRODUCTION, 2, by="ann", reason="taken back", at=registry.clock.now())
    await registry.given(model.after(moved))


async def test_approval_is_a_compare_and_swap_on_the_baseline_of_the_verdict(
    registry: Registry, reviews: Reviews
) -> None:
    await given_staging_with_an_outdated_baseline(registry, reviews)
    view = await registry.change(reviews.decide, decide(3))
    assert view.status is ReviewStatus.OUTDATED
    assert registry.published == [ValidationRequested(model="credit", version=3, candidate=state(3), baseline=state(2))]
    with pytest.raises(ReviewNotOpen, match="judged again"):
        await registry.change(reviews.decide, decide(3))
    assert await status_of(registry, 3) is VersionStatus.STAGING


async def test_a_good_second_verdict_opens_the_review_again(registry: Registry, reviews: Reviews) -> None:
    await given_staging_with_an_outdated_baseline(registry, reviews)
    await registry.change(reviews.decide, decide(3))
    registry.take_published()
    await registry.receives(validation_completed(3, baseline=2))
    assert [short(event) for event in registry.take_published()] == ["ReviewRequested"]
    await registry.change(reviews.decide, decide(3))
    assert [short(event) for event in registry.published] == ["ReviewDecided", "production v3", "archived v2"]


async def test_a_bad_second_verdict_rejects_it_and_empties_staging(registry: Registry, reviews: Reviews) -> None:
    await given_staging_with_an_outdated_baseline(registry, reviews)
    await registry.change(reviews.decide, decide(3))
    registry.take_published()
    await registry.receives(validation_completed(3, baseline=2, verdict="not_better"))
    assert [short(event) for event in registry.published] == ["rejected v3"]
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert (model.baseline, model.named_by(Alias.STAGING)) == (2, None)
    review = await registry.get(REVIEWS, "credit/3")
    assert review is not None
    assert review.status is ReviewStatus.OUTDATED


async def test_every_move_of_an_alias_is_kept_with_who_when_and_why(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 1)
    await given_production(registry, reviews, 1)
    page = await registry.store.find(MOVES.name, Query())
    moves = [MOVES.load(document.body) for document in page.items]
    assert [(move.alias, move.revision, move.version, move.replaces, move.by) for move in moves] == [
        ("staging", 1, 1, None, "registry"),
        ("production", 1, 1, None, "ann"),
        ("staging", 2, None, 1, "ann"),
    ]
