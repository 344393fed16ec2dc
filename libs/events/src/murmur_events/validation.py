"""What the validator found, and against whom."""

from typing import Literal

from pydantic import Field

from murmur_events.base import Event, ModelName, Value
from murmur_events.models import VersionState
from murmur_events.values import Artifact, Interval, Number

Verdict = Literal["better", "not_better", "first", "failed"]
"""better: than the baseline. first: no baseline, every check passed. failed: could not be judged, or a check failed."""


class ValidationRequested(Event):
    """Judge this candidate (again), against this baseline."""

    model: ModelName
    version: int = Field(ge=1)
    candidate: VersionState
    baseline: VersionState | None


class Check(Value):
    """One rule, what was measured, and whether it held."""

    name: str
    passed: bool
    detail: str


class SliceResult(Value):
    """One group of people, judged by itself."""

    column: str
    value: str
    rows: int = Field(ge=0)
    candidate_auc: float | None = Field(description="absent: too few rows or one label only")
    baseline_auc: float | None = None


class ValidationCompleted(Event):
    """A candidate was judged; the evidence is in the report."""

    model: ModelName
    version: int = Field(ge=1)
    baseline: int | None = Field(description="the version it was judged against")
    verdict: Verdict
    summary: str = Field(description="one line for people: the numbers that carried the verdict")
    candidate_metrics: dict[str, Number]
    baseline_metrics: dict[str, Number]
    differences: dict[str, Interval] = Field(description="candidate minus baseline, paired bootstrap")
    checks: tuple[Check, ...]
    slices: tuple[SliceResult, ...]
    holdout_rows: int = Field(ge=0)
    report: Artifact
