"""Between the domain's words and those of the events: converted here, once."""

from collections.abc import Mapping, Sequence

from murmur_events.validation import Check, SliceResult, ValidationCompleted
from murmur_events.values import Artifact, Interval
from murmur_events.workflows import ValidationSection
from murmur_validator.domain.findings import by_weight
from murmur_validator.domain.judgement import Costs, Rules
from murmur_validator.domain.measurements import Estimate, Measurements, Metric
from murmur_validator.ports import Dossier


def rules_of(section: ValidationSection) -> Rules:
    return Rules(
        primary=Metric(section.primary),
        minimum_auc=section.minimum_auc,
        confidence=section.confidence,
        max_slice_loss=section.max_slice_loss,
        min_slice_rows=section.min_slice_rows,
        costs=Costs(**section.costs.model_dump()) if section.costs else None,
        alert_budget=section.alert_budget,
    )


def completion_of(dossier: Dossier, report: Artifact) -> ValidationCompleted:
    """The fact that ends a validation, the metrics that carried it first.

    A candidate that could not be judged has no numbers.
    """
    measured = dossier.evidence.measurements if dossier.evidence else _NOTHING
    order = by_weight(measured, dossier.rules)
    judgement = dossier.judgement
    return ValidationCompleted(
        model=dossier.candidate.model,
        version=dossier.candidate.version,
        baseline=dossier.baseline.version if dossier.baseline else None,
        verdict=judgement.outcome.value,
        summary=judgement.summary,
        candidate_metrics=_values(measured.candidate, order),
        baseline_metrics=_values(measured.baseline, order),
        differences={
            metric.value: Interval(value=difference.value, low=difference.low, high=difference.high)
            for metric, difference in measured.differences.items()
        },
        checks=tuple(Check(name=check.name, passed=check.passed, detail=check.detail) for check in judgement.checks),
        slices=tuple(
            SliceResult(
                column=group.column,
                value=group.value,
                rows=group.rows,
                candidate_auc=group.candidate_auc,
                baseline_auc=group.baseline_auc,
            )
            for group in measured.groups
        ),
        holdout_rows=measured.rows,
        report=report,
    )


_NOTHING = Measurements(
    rows=0, positives=0, left_out=0, candidate={}, baseline={}, differences={}, columns=(), groups=()
)


def _values(estimates: Mapping[Metric, Estimate], order: Sequence[Metric]) -> dict[str, float]:
    return {metric.value: estimates[metric].value for metric in order if metric in estimates}
