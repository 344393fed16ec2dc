"""From a registered version to its verdict, with real models on a real holdout."""

from pathlib import Path

import pytest
from validator_facts import (
    HOLDOUT_ROWS,
    Shelf,
    customers,
    data_section,
    good_model,
    holdout_bytes,
    promoted,
    random_model,
    registered,
    validation_section,
    weak_model,
    workflow_applied,
)

from murmur_events.models import VersionState
from murmur_events.validation import ValidationCompleted, ValidationRequested
from murmur_events.values import Artifact
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.consuming import Ack, Park
from murmur_kernel.testing import Harness
from murmur_validator.repository import BASELINES, VALIDATIONS, ValidationStatus, ValidatorUnitOfWork

Validating = Harness[ValidatorUnitOfWork]


async def verdict_of(validator: Validating) -> ValidationCompleted:
    """What was published once every job was done: just one verdict."""
    await validator.run_jobs()
    (completed,) = validator.take_published()
    assert isinstance(completed, ValidationCompleted)
    return completed


def failed_checks(completed: ValidationCompleted) -> list[str]:
    return [check.name for check in completed.checks if not check.passed]


def path_of(artifact: Artifact) -> Path:
    return Path(artifact.uri.removeprefix("file://"))


async def in_production(validator: Validating, state: VersionState, *, revision: int = 1) -> None:
    await validator.receives(promoted(state, revision=revision))


async def test_a_first_version_that_is_good_enough_says_so(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await validator.receives(registered(await shelf.version(1, good_model())))
    completed = await verdict_of(validator)
    assert (completed.verdict, completed.baseline, completed.holdout_rows) == ("first", None, HOLDOUT_ROWS)
    assert completed.summary == f"first version: auc {completed.candidate_metrics['auc']:.3f} (minimum 0.60)"
    assert set(completed.candidate_metrics) == {"auc", "ks", "brier", "log_loss", "average_precision"}
    assert completed.differences == {}
    assert [(found.column, found.value, found.baseline_auc) for found in completed.slices] == [
        ("sex", "female", None),
        ("sex", "male", None),
    ]


async def test_a_first_version_below_the_minimum_fails(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await validator.receives(registered(await shelf.version(1, random_model())))
    completed = await verdict_of(validator)
    assert (completed.verdict, failed_checks(completed)) == ("failed", ["minimum_auc"])


async def test_a_better_version_is_better_than_the_one_in_production(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await in_production(validator, await shelf.version(1, weak_model()))
    await validator.receives(registered(await shelf.version(2, good_model())))
    completed = await verdict_of(validator)
    assert (completed.verdict, completed.baseline, failed_checks(completed)) == ("better", 1, [])
    difference = completed.differences["auc"]
    assert 0 < difference.low < difference.value < difference.high
    assert completed.differences["brier"].high < 0
    assert completed.summary == (
        f"better than v1: auc {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
    )


async def test_a_worse_version_is_not_better(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await in_production(validator, await shelf.version(1, good_model()))
    await validator.receives(registered(await shelf.version(2, weak_model())))
    completed = await verdict_of(validator)
    assert (completed.verdict, completed.baseline) == ("not_better", 1)
    assert "better_than_baseline" in failed_checks(completed)
    assert completed.summary.startswith("not better than v1: auc -0.")


async def test_the_same_model_again_is_not_better(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await in_production(validator, await shelf.version(1, good_model()))
    await validator.receives(registered(await shelf.version(2, good_model())))
    completed = await verdict_of(validator)
    assert completed.verdict == "not_better"
    assert completed.summary == "not better than v1: auc +0.000 [+0.000, +0.000]"


async def test_the_registry_may_name_another_baseline(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    candidate, baseline = await shelf.version(3, good_model()), await shelf.version(2, weak_model())
    await validator.receives(ValidationRequested(model="credit", version=3, candidate=candidate, baseline=baseline))
    completed = await verdict_of(validator)
    assert (completed.verdict, completed.baseline) == ("better", 2)


async def test_a_request_delivered_twice_is_judged_once(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    event = registered(await shelf.version(1, good_model()))
    for _ in range(2):
        await validator.receives(event, event_id="e1")
    assert (await verdict_of(validator)).verdict == "first"
    assert await validator.run_jobs() == 0


async def test_a_later_request_for_the_same_baseline_is_judged_anew(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    candidate, baseline = await shelf.version(2, good_model()), await shelf.version(1, weak_model())
    request = ValidationRequested(model="credit", version=2, candidate=candidate, baseline=baseline)
    for _ in range(2):
        await validator.receives(request)
        assert (await verdict_of(validator)).verdict == "better"


async def test_an_overtaken_request_still_ends_but_leaves_the_newer_one_standing(
    validator: Validating, shelf: Shelf
) -> None:
    await validator.receives(workflow_applied())
    candidate = await shelf.version(2, good_model())
    await validator.receives(registered(candidate))
    baseline = await shelf.version(1, weak_model())
    await validator.receives(ValidationRequested(model="credit", version=2, candidate=candidate, baseline=baseline))
    await validator.run_jobs()
    verdicts = [
        (event.verdict, event.baseline) for event in validator.published if isinstance(event, ValidationCompleted)
    ]
    assert verdicts == [("first", None), ("better", 1)]
    validation = await validator.get(VALIDATIONS, "credit/2")
    assert validation is not None
    assert (validation.status, validation.baseline, validation.verdict) == (ValidationStatus.COMPLETED, 1, "better")


async def test_the_verdict_names_the_request_as_its_cause(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await validator.receives(registered(await shelf.version(1, good_model())), event_id="the-request")
    await validator.run_jobs()
    (envelope,) = validator.envelopes
    assert envelope.causation_id == "the-request"


async def test_a_version_waits_for_the_rules_of_its_workflow(validator: Validating, shelf: Shelf) -> None:
    event = registered(await shelf.version(1, good_model()))
    assert await validator.receives(event) == Park("workflow-rules/credit@1")
    await validator.receives(workflow_applied())
    assert (await verdict_of(validator)).verdict == "first"


@pytest.mark.parametrize("role", ["candidate", "baseline", "holdout"])
async def test_a_file_that_was_changed_fails_the_version_and_is_named_with_both_digests(
    validator: Validating, shelf: Shelf, role: str
) -> None:
    await validator.receives(workflow_applied())
    candidate, baseline = await shelf.version(2, good_model()), await shelf.version(1, weak_model())
    changed = {
        "candidate": candidate.artifacts.model,
        "baseline": baseline.artifacts.model,
        "holdout": candidate.artifacts.dataset.holdout,
    }[role]
    path_of(changed).write_bytes(path_of(changed).read_bytes()[:-1] + b"!")
    await in_production(validator, baseline)
    await validator.receives(registered(candidate))
    completed = await verdict_of(validator)
    assert completed.verdict == "failed"
    (check,) = [check for check in completed.checks if not check.passed]
    assert check.name.startswith(role)
    assert changed.uri in check.detail
    assert changed.sha256 in check.detail
    assert "found" in check.detail
    assert completed.candidate_metrics == {}


async def test_a_file_that_is_gone_fails_the_version(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    candidate = await shelf.version(1, good_model())
    path_of(candidate.artifacts.model).unlink()
    await validator.receives(registered(candidate))
    assert failed_checks(await verdict_of(validator)) == ["candidate_model_intact"]


async def test_a_model_that_is_none_fails_and_is_never_executed(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    pickled = b"cposix\nsystem\n(S'touch /tmp/murmur-pwned'\ntR."
    await validator.receives(registered(await shelf.version(1, pickled)))
    completed = await verdict_of(validator)
    assert failed_checks(completed) == ["candidate_model_readable"]
    assert not Path("/tmp/murmur-pwned").exists()


async def test_a_model_whose_signature_does_not_fit_fails(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    await validator.receives(registered(await shelf.version(1, good_model(), features=("amount", "age"))))
    completed = await verdict_of(validator)
    assert failed_checks(completed) == ["candidate_model_readable"]
    assert "takes 3 columns, its signature names 2" in completed.summary


async def test_a_holdout_without_a_column_fails_and_names_it(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    holdout = holdout_bytes(customers()[1].drop(columns=["late"]))
    await validator.receives(registered(await shelf.version(1, good_model(), holdout=holdout)))
    completed = await verdict_of(validator)
    assert failed_checks(completed) == ["holdout_complete"]
    assert "'late'" in completed.summary


async def test_a_holdout_with_one_label_cannot_be_measured(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied())
    holdout = holdout_bytes(customers()[1].assign(default=0.0))
    await validator.receives(registered(await shelf.version(1, good_model(), holdout=holdout)))
    assert failed_checks(await verdict_of(validator)) == ["holdout_measurable"]


async def test_rows_that_the_baseline_was_trained_on_are_left_out(validator: Validating, shelf: Shelf) -> None:
    """Revision 1 held out a quarter of the customers, revision 2 holds out four in ten."""
    await validator.receives(workflow_applied(revision=1, data=data_section(holdout=0.25)))
    await validator.receives(workflow_applied(revision=2))
    await in_production(validator, await shelf.version(1, weak_model(), revision=1))
    await validator.receives(registered(await shelf.version(2, good_model(), revision=2)))
    completed = await verdict_of(validator)
    assert completed.verdict == "better"
    assert 0.55 * HOLDOUT_ROWS < completed.holdout_rows < 0.7 * HOLDOUT_ROWS


async def test_a_baseline_held_out_by_another_identity_cannot_be_compared(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied(revision=1, data=data_section(identity="quarter")))
    await validator.receives(workflow_applied(revision=2))
    await in_production(validator, await shelf.version(1, weak_model(), revision=1))
    await validator.receives(registered(await shelf.version(2, good_model(), revision=2)))
    assert failed_checks(await verdict_of(validator)) == ["holdout_untouched"]


async def test_the_rules_are_those_of_the_revision_that_the_version_was_trained_by(
    validator: Validating, shelf: Shelf
) -> None:
    await validator.receives(workflow_applied(revision=1))
    await validator.receives(workflow_applied(revision=2, validation=validation_section(minimum_auc=0.99)))
    await validator.receives(registered(await shelf.version(1, good_model(), revision=1)))
    assert (await verdict_of(validator)).verdict == "first"
    await validator.receives(registered(await shelf.version(2, good_model(), revision=2)))
    assert (await verdict_of(validator)).verdict == "failed"


async def test_only_the_newest_production_version_is_the_baseline(validator: Validating, shelf: Shelf) -> None:
    one, two, three = [await shelf.version(number, good_model()) for number in (1, 2, 3)]
    await validator.receives(promoted(two, revision=2))
    await validator.receives(promoted(one, revision=1))  # late
    await validator.receives(promoted(three, alias="staging", revision=9))
    baseline = await validator.get(BASELINES, "credit")
    assert baseline is not None
    assert baseline.state.version == 2


async def test_projections_publish_nothing(validator: Validating, shelf: Shelf) -> None:
    assert await validator.receives(workflow_applied()) == Ack()
    assert await validator.receives(promoted(await shelf.version(1, good_model()))) == Ack()
    assert validator.published == []


async def test_the_report_is_stored_under_its_digest(
    validator: Validating, shelf: Shelf, artifacts: ArtifactStore
) -> None:
    await validator.receives(workflow_applied())
    await validator.receives(registered(await shelf.version(1, good_model())))
    completed = await verdict_of(validator)
    assert completed.summary in (await artifacts.read_bytes(completed.report)).decode()
