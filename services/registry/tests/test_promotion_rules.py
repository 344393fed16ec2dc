"""The pure decisions: every combination of verdict, baseline and rule has one answer."""

from datetime import UTC, datetime, timedelta

import pytest

from murmur_registry.domain import promotion
from murmur_registry.domain.models import Alias, RegisteredModel
from murmur_registry.domain.promotion import Ignore, Promote, Reject, Revalidate
from murmur_registry.domain.versions import ModelVersion, Outcome, Verdict, VersionStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = RegisteredModel(name="credit", workflow="credit", versions=5, created_at=NOW, updated_at=NOW)
CANDIDATE = ModelVersion(
    model="credit", version=4, workflow="credit", revision=1, run_id="r", created_at=NOW
).to_be_judged(since=NOW, due=NOW + timedelta(minutes=1))


def naming(model: RegisteredModel, alias: Alias, version: int | None) -> RegisteredModel:
    return model.after(model.move(alias, version, by="ann", reason="test", at=NOW))


def verdict(outcome: Outcome, baseline: int | None = 3) -> Verdict:
    return Verdict(outcome=outcome, baseline=baseline, summary="the numbers", failed_checks=("minimum_auc",))


BASELINE = naming(MODEL, Alias.PRODUCTION, 3)


@pytest.mark.parametrize(
    ("outcome", "review_required", "expected"),
    [
        (Outcome.BETTER, True, Promote(Alias.STAGING)),
        (Outcome.BETTER, False, Promote(Alias.PRODUCTION)),
        (Outcome.FIRST, True, Promote(Alias.STAGING)),
        (Outcome.NOT_BETTER, True, Reject("the numbers", ("minimum_auc",))),
        (Outcome.FAILED, False, Reject("the numbers", ("minimum_auc",))),
    ],
)
def test_a_verdict_against_the_present_baseline_decides(
    outcome: Outcome, review_required: bool, expected: Promote | Reject
) -> None:
    assert promotion.decide(verdict(outcome), CANDIDATE, BASELINE, review_required=review_required) == expected


@pytest.mark.parametrize("outcome", Outcome)
def test_no_verdict_counts_against_another_baseline(outcome: Outcome) -> None:
    assert promotion.decide(verdict(outcome, None), CANDIDATE, BASELINE, review_required=True) == Revalidate(3)
    assert promotion.decide(verdict(outcome, 3), CANDIDATE, MODEL, review_required=True) == Revalidate(None)


@pytest.mark.parametrize("status", [VersionStatus.PRODUCTION, VersionStatus.ARCHIVED, VersionStatus.REJECTED])
def test_a_version_whose_fate_is_decided_ignores_verdicts(status: VersionStatus) -> None:
    decided = CANDIDATE.ended_as(status, at=NOW)
    assert promotion.decide(verdict(Outcome.BETTER), decided, BASELINE, review_required=True) == Ignore()


def test_only_a_newer_version_in_staging_stands_in_the_way() -> None:
    older, newer = (naming(BASELINE, Alias.STAGING, version) for version in (2, 5))
    assert promotion.decide(verdict(Outcome.BETTER), CANDIDATE, older, review_required=True) == Promote(Alias.STAGING)
    assert isinstance(promotion.decide(verdict(Outcome.BETTER), CANDIDATE, newer, review_required=True), Reject)


def test_an_alias_counts_its_moves_and_remembers_whom_it_left() -> None:
    model = naming(naming(MODEL, Alias.STAGING, 1), Alias.STAGING, None)
    move = model.move(Alias.STAGING, 2, by="ann", reason="test", at=NOW)
    assert (move.revision, move.replaces, model.named_by(Alias.STAGING)) == (3, None, None)
    assert model.aliases[Alias.STAGING].replaces == 1


def test_only_the_deadline_of_the_present_request_marks_a_version_overdue() -> None:
    again = CANDIDATE.to_be_judged(since=NOW, due=NOW + timedelta(minutes=2))
    assert again.missed(1) is None
    marked = again.missed(2)
    assert marked is not None
    assert marked.waiting is not None
    assert marked.waiting.overdue
