"""Rare positives: judged by what wrong answers cost and by what people find; and rows that are held out by time."""

from dataclasses import replace

import pytest
from test_report import better, outline
from test_validating import Validating, failed_checks, in_production, verdict_of
from validator_facts import (
    HOLDOUT_ROWS,
    Shelf,
    customers,
    data_section,
    good_model,
    holdout_bytes,
    registered,
    state,
    validation_section,
    weak_model,
    whole_holdout,
    workflow_applied,
)

from murmur_training.evaluation import pricing
from murmur_validator.domain.findings import figures, untested
from murmur_validator.domain.judgement import judge
from murmur_validator.domain.measurements import Metric
from murmur_validator.evaluation import measure
from murmur_validator.ports import Dossier, Material
from murmur_validator.report import HtmlReporter
from murmur_validator.report.rare import precision_recall_curve
from murmur_validator.translation import rules_of

COSTS = {"false_positive": 8.0, "false_negative": "age"}
BY_COST = validation_section(primary="cost", costs=COSTS, alert_budget=0.1)


def dossier(*, threshold: float | None = 0.2) -> Dossier:
    rules = rules_of(BY_COST)
    candidate, baseline = state(2, threshold=threshold), state(1, threshold=0.3)
    evidence = measure(
        Material(
            candidate=candidate,
            candidate_model=good_model(),
            baseline=baseline,
            baseline_model=weak_model(),
            holdout=whole_holdout(),
            data=data_section(),
            baseline_data=data_section(),
            rules=rules,
        ),
        resamples=100,
    )
    judgement = judge(evidence.measurements, rules, baseline=1)
    return replace(
        better(), candidate=candidate, baseline=baseline, rules=rules, evidence=evidence, judgement=judgement
    )


async def test_costs_and_the_alert_budget_are_measured_where_the_workflow_gives_them(
    validator: Validating, shelf: Shelf
) -> None:
    await validator.receives(workflow_applied(validation=BY_COST))
    await in_production(validator, await shelf.version(1, weak_model(), threshold=0.3))
    await validator.receives(registered(await shelf.version(2, good_model(), threshold=0.2)))
    completed = await verdict_of(validator)
    assert completed.verdict == "better"
    assert completed.summary.startswith("better than v1: cost -")
    assert {"cost", "precision_at_budget", "recall_at_budget"} < set(completed.candidate_metrics)
    assert completed.differences["cost"].high < 0
    assert list(completed.candidate_metrics)[:3] == ["cost", "precision_at_budget", "average_precision"]


async def test_a_model_as_good_with_a_threshold_that_costs_more_is_not_better(
    validator: Validating, shelf: Shelf
) -> None:
    """The negative control: by AUC nobody could tell these two apart."""
    await validator.receives(workflow_applied(validation=BY_COST))
    await in_production(validator, await shelf.version(1, good_model(), threshold=0.2))
    await validator.receives(registered(await shelf.version(2, good_model(), threshold=1.0)))
    completed = await verdict_of(validator)
    assert completed.verdict == "not_better"
    assert completed.differences["auc"].value == 0
    assert completed.differences["cost"].low > 0


async def test_the_cost_is_that_at_the_versions_own_threshold(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied(validation=BY_COST))
    await validator.receives(registered(await shelf.version(1, good_model(), threshold=0.0)))
    completed = await verdict_of(validator)
    negatives = HOLDOUT_ROWS - customers()[1]["default"].sum()
    assert completed.candidate_metrics["cost"] == pytest.approx(8.0 * negatives / HOLDOUT_ROWS * pricing.PER_ROWS)
    assert f", cost {completed.candidate_metrics['cost']:.0f}" in completed.summary


async def test_a_column_that_holds_no_amounts_cannot_be_judged_by(validator: Validating, shelf: Shelf) -> None:
    costs = COSTS | {"false_negative": "amount"}  # amounts of this book are below 0, too
    await validator.receives(workflow_applied(validation=validation_section(costs=costs)))
    await validator.receives(registered(await shelf.version(1, good_model(), threshold=0.2)))
    completed = await verdict_of(validator)
    assert failed_checks(completed) == ["holdout_measurable"]
    assert "'amount'" in completed.summary


def test_without_costs_the_threshold_changes_nothing() -> None:
    assert better().evidence is not None
    assert Metric.COST not in better().evidence.measurements.candidate  # type: ignore[union-attr]


def test_what_is_at_stake_carries_the_verdict() -> None:
    judged = dossier()
    assert judged.evidence is not None
    carried = [figure.metric for figure in figures(judged.evidence.measurements, judged.rules)]
    assert carried == [Metric.COST, Metric.PRECISION, Metric.AVERAGE_PRECISION]


def test_the_report_draws_whom_people_find_and_what_it_costs() -> None:
    html = HtmlReporter().html(dossier()).decode().replace("\N{MINUS SIGN}", "-")
    headings = outline(html).headings
    assert headings[1] == "cost of 1,000 rows, difference"
    assert {"Precision and recall", "Cost by threshold"} < set(headings)
    assert "v2 from 0.2 on, v1 from 0.3 on" in html
    assert "8 for a row flagged in vain, age for a positive row that is not" in html
    assert "10.00% of rows" in html


def test_a_version_without_a_threshold_is_named() -> None:
    judged = dossier(threshold=None)
    assert judged.evidence is not None
    assert "What v2 costs where it flags: it has no threshold" in " ".join(
        untested(judged.evidence.measurements, judged.rules)
    )


def test_the_precision_recall_curve_is_that_of_the_definition() -> None:
    labels, scores = customers()[1]["default"].to_numpy()[:6], customers()[1]["age"].to_numpy()[:6] / 100
    recall, precision, share = precision_recall_curve(labels, scores)
    assert (recall[-1], share[-1]) == (1, 1)
    assert precision[-1] == pytest.approx(labels.mean())


def in_months() -> bytes:
    """The holdout in three periods of 300 rows."""
    frame = customers()[1]
    return holdout_bytes(frame.assign(quarter=[f"2005-{7 + place // 300:02}" for place in range(len(frame))]))


async def test_rows_up_to_the_last_that_the_baseline_was_trained_on_are_left_out(
    validator: Validating, shelf: Shelf
) -> None:
    await validator.receives(workflow_applied(data=data_section(split="time")))
    await in_production(validator, await shelf.version(1, weak_model(), trained_until="2005-07"))
    candidate = await shelf.version(2, good_model(), holdout=in_months(), trained_until="2005-06")
    await validator.receives(registered(candidate))
    completed = await verdict_of(validator)
    assert (completed.verdict, completed.holdout_rows) == ("better", 600)


async def test_a_baseline_that_was_trained_on_all_of_it_cannot_be_compared(validator: Validating, shelf: Shelf) -> None:
    await validator.receives(workflow_applied(data=data_section(split="time")))
    await in_production(validator, await shelf.version(1, weak_model(), trained_until="2005-09"))
    await validator.receives(registered(await shelf.version(2, good_model(), holdout=in_months())))
    assert failed_checks(await verdict_of(validator)) == ["holdout_measurable"]


async def test_a_baseline_that_does_not_say_until_when_it_was_trained_cannot_be_compared(
    validator: Validating, shelf: Shelf
) -> None:
    await validator.receives(workflow_applied(data=data_section(split="time")))
    await in_production(validator, await shelf.version(1, weak_model()))
    await validator.receives(registered(await shelf.version(2, good_model(), holdout=in_months())))
    assert failed_checks(await verdict_of(validator)) == ["holdout_untouched"]


async def test_from_identities_to_time_only_what_the_baseline_held_out_is_compared(
    validator: Validating, shelf: Shelf
) -> None:
    await validator.receives(workflow_applied(revision=1, data=data_section(holdout=0.2)))
    await validator.receives(workflow_applied(revision=2, data=data_section(split="time", holdout=0.1)))
    await in_production(validator, await shelf.version(1, weak_model(), revision=1))
    await validator.receives(registered(await shelf.version(2, good_model(), revision=2, trained_until="2005-06")))
    completed = await verdict_of(validator)
    assert 0.4 * HOLDOUT_ROWS < completed.holdout_rows < 0.6 * HOLDOUT_ROWS
