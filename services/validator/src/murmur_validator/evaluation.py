"""Measures models with murmur_training, in a worker thread: the adapter behind the port `Evaluator`."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from murmur_events.models import VersionState
from murmur_events.workflows import DataSection
from murmur_validator.domain.judgement import Unjudgeable
from murmur_validator.domain.measurements import Estimate, Group, Measurements, Metric
from murmur_validator.ports import Evidence, Floats, Material, Scores
from murmur_validator.stakes import Stakes

if TYPE_CHECKING:
    import pandas as pd

    from murmur_events.values import Interval


RESAMPLES = 2000
"""They put the Monte Carlo error of a 95 % bound well below the width of its interval."""


@dataclass(frozen=True)
class XGBoostEvaluator:
    """Reads models as XGBoost's own UBJ and holdouts as Parquet: neither can carry code, as a pickle does."""

    resamples: int = RESAMPLES

    async def measure(self, material: Material) -> Evidence:
        return await asyncio.to_thread(measure, material, resamples=self.resamples)


def measure(material: Material, *, resamples: int = RESAMPLES) -> Evidence:
    """Raises Unjudgeable. The same arguments give the same numbers."""
    # Imported by the first validation: they take seconds that the start of the service need not wait for.
    from murmur_training import evaluation

    data, rules = material.data, material.rules
    holdout = _read_holdout(material)
    frame = _untouched(holdout, material)
    labels = frame[data.target].to_numpy(dtype=np.float64)
    candidate = score(material.candidate, material.candidate_model, frame, role="candidate")
    baseline = None
    if material.baseline is not None and material.baseline_model is not None:
        baseline = score(material.baseline, material.baseline_model, frame, role="baseline")
    settings: _Settings = {"confidence": rules.confidence, "resamples": resamples}
    try:
        stakes = Stakes.of(frame, labels, rules)
        more = stakes.measures(candidate, material.candidate)
        own = evaluation.intervals(labels, candidate, more=more, **settings)
        theirs, differences = {}, {}
        if baseline is not None and material.baseline is not None:
            their_more = stakes.measures(baseline, material.baseline)
            theirs = evaluation.intervals(labels, baseline, more=their_more, **settings)
            pairs = {name: (measure, their_more[name]) for name, measure in more.items()}
            differences = evaluation.differences(labels, candidate, baseline, more=pairs, **settings)
    except evaluation.NotMeasurable as error:
        digest = material.candidate.artifacts.dataset.digest
        raise Unjudgeable("holdout_measurable", f"holdout of {digest}: {error}") from error
    groups = evaluation.slices(frame, data.slices, labels, candidate, baseline=baseline, min_rows=rules.min_slice_rows)
    measurements = Measurements(
        rows=labels.size,
        positives=int(labels.sum()),
        left_out=len(holdout) - len(frame),
        candidate=_estimates(own),
        baseline=_estimates(theirs),
        differences=_estimates(differences),
        columns=data.slices,
        groups=tuple(Group(**group.model_dump()) for group in groups),
        assumed=stakes.assumed(material.candidate, material.baseline),
    )
    at_stake = stakes.prices.false_negative if stakes.prices else None
    scores = Scores(labels=labels, candidate=candidate, baseline=baseline, at_stake=at_stake)
    return Evidence(measurements=measurements, scores=scores, resamples=resamples)


class _Settings(TypedDict):
    confidence: float
    resamples: int


def score(state: VersionState, model: bytes, frame: "pd.DataFrame", *, role: str) -> Floats:
    """Probabilities [n]. Raises Unjudgeable for a file that is no such model, or whose output is no probability."""
    import xgboost

    readable, name = f"{role}_model_readable", f"v{state.version}"
    if state.artifacts.format != "xgboost-ubj":
        raise Unjudgeable(
            readable, f"{name} has the format {state.artifacts.format!r}; only 'xgboost-ubj' can be judged"
        )
    columns = [column.name for column in state.artifacts.signature.inputs]
    try:
        booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(model))
        if booster.num_features() != len(columns):
            raise Unjudgeable(
                readable, f"{name} takes {booster.num_features()} columns, its signature names {len(columns)}"
            )
        matrix = frame[columns].to_numpy(dtype=np.float64)
        output = np.asarray(booster.inplace_predict(matrix, missing=np.nan, validate_features=False), np.float64)
    except xgboost.core.XGBoostError as error:
        reason = str(error).splitlines()[-1]
        raise Unjudgeable(readable, f"{state.artifacts.model.uri} is no XGBoost model of {name}: {reason}") from error
    if output.shape != (len(frame),) or not ((output >= 0) & (output <= 1)).all():
        raise Unjudgeable(
            f"{role}_gives_probabilities", f"{name} gives {output.shape!r} values, not one in [0, 1] for each row"
        )
    return output


def _read_holdout(material: Material) -> "pd.DataFrame":
    import pandas as pd

    data, digest = material.data, material.candidate.artifacts.dataset.digest
    try:
        frame = pd.read_parquet(io.BytesIO(material.holdout))
    except (ValueError, OSError) as error:  # pyarrow's errors are these
        raise Unjudgeable("holdout_readable", f"the holdout of {digest} is no Parquet file: {error}") from error
    _require_columns(
        frame, [data.target, data.identity, data.period, *data.slices], f"the workflow needs in the holdout of {digest}"
    )
    for state in (material.candidate, material.baseline):
        if state is not None:
            inputs = [column.name for column in state.artifacts.signature.inputs]
            _require_columns(frame, inputs, f"v{state.version} needs in the holdout of {digest}")
    return frame


def _untouched(holdout: "pd.DataFrame", material: Material) -> "pd.DataFrame":
    """Those rows that the baseline was not trained on either: less or other rows may have been held out in its time."""
    from murmur_training.splitting import held_out

    data, before = material.data, material.baseline_data
    if before is None or material.baseline is None:
        return holdout
    if before.split == "time":
        return _later(holdout, material.baseline, before, data)
    if before.identity != data.identity:
        raise Unjudgeable(
            "holdout_untouched",
            f"the baseline was held out by {before.identity!r} and the candidate by {data.identity!r}: nobody can tell"
            f" which rows the baseline has seen; give the changed workflow another name",
        )
    if before.holdout >= data.holdout and data.split == "identity":
        return holdout
    untouched = holdout[held_out(holdout[data.identity], before.holdout)]
    return untouched.reset_index(drop=True)


def _later(holdout: "pd.DataFrame", baseline: VersionState, before: DataSection, data: DataSection) -> "pd.DataFrame":
    """Those rows that are later than all that the baseline was trained on."""
    until = baseline.artifacts.dataset.trained_until
    if before.period != data.period or until is None:
        raise Unjudgeable(
            "holdout_untouched",
            f"the baseline was trained until {until!r} by {before.period!r}, the candidate's rows have {data.period!r}:"
            f" nobody can tell which rows the baseline has seen; give the changed workflow another name",
        )
    return holdout[holdout[data.period] > until].reset_index(drop=True)


def _require_columns(frame: "pd.DataFrame", wanted: Sequence[str], who: str) -> None:
    if missing := [name for name in wanted if name not in frame.columns]:
        raise Unjudgeable("holdout_complete", f"columns that {who} are missing: {', '.join(map(repr, missing))}")


def _estimates(intervals: "dict[str, Interval]") -> dict[Metric, Estimate]:
    return {
        Metric(name): Estimate(value=interval.value, low=interval.low, high=interval.high)
        for name, interval in intervals.items()
    }
