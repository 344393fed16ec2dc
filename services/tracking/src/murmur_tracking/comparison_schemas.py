"""What REST gives of runs side by side."""

from pydantic import BaseModel, Field

from murmur_tracking.domain.comparison import Comparison, Row
from murmur_tracking.domain.facts import Scalar
from murmur_tracking.domain.runs import Run
from murmur_tracking.schemas import HistoryView, RunView, View, run_view


class RowView(View):
    """One property of every run compared, in their order; null where a run does not have it."""

    name: str
    differs: bool
    values: list[Scalar | None]


class EnvironmentView(BaseModel):
    """known: which of the runs have kept theirs; rows: versions that are not the same in all of those."""

    known: list[bool]
    same: int = Field(description="how many distributions and properties are alike")
    rows: list[RowView]


class FileDifferenceView(BaseModel):
    run: str
    against: str
    file: str
    lines: list[str] = Field(description="a unified diff")


class CodeView(BaseModel):
    """known: which of the runs have kept theirs; each is compared with the first of them."""

    known: list[bool]
    differences: list[FileDifferenceView]


class ComparisonView(BaseModel):
    """parameters and circumstances: those that differ first. environment, code: only where files were asked for."""

    runs: list[RunView]
    parameters: list[RowView]
    metrics: list[RowView]
    circumstances: list[RowView]
    histories: list[HistoryView] = Field(default_factory=list)
    environment: EnvironmentView | None = None
    code: CodeView | None = None
    unread: dict[str, list[str]] = Field(
        default_factory=dict, description="by run: files that could not be read, and why"
    )


def comparison_view(runs: list[Run], comparison: Comparison) -> ComparisonView:
    return ComparisonView(
        runs=[run_view(run) for run in runs],
        parameters=_rows(comparison.parameters),
        metrics=_rows(comparison.metrics),
        circumstances=_rows(comparison.circumstances),
    )


def _rows(rows: tuple[Row, ...]) -> list[RowView]:
    return [RowView.model_validate(row) for row in rows]
