"""Runs side by side: first what differs, for that is what somebody comparing them is after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from murmur_tracking.domain.facts import Scalar
from murmur_tracking.domain.provenance import told_by, told_in
from murmur_tracking.domain.runs import Result, Run


@dataclass(frozen=True)
class Row:
    """One property of every run, in their order; None where a run does not have it."""

    name: str
    values: tuple[Scalar | None, ...]

    @property
    def differs(self) -> bool:
        """As text: what the trainer knows as a number, a client writes as one. What is no number equals itself."""
        return len({None if value is None else str(value) for value in self.values}) > 1


@dataclass(frozen=True)
class Comparison:
    """parameters and circumstances: those that differ first, then by name. metrics: by name."""

    parameters: tuple[Row, ...]
    metrics: tuple[Row, ...]
    circumstances: tuple[Row, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """At least one run; the values of each row are in the order of the runs."""
    return Comparison(
        parameters=_differing_first(_rows(runs, _parameters)),
        metrics=_rows(runs, lambda run: run.metrics),
        circumstances=_differing_first(_rows(runs, _circumstances)),
    )


def _rows(runs: Sequence[Run], properties: Callable[[Run], Mapping[str, Scalar]]) -> tuple[Row, ...]:
    columns = [properties(run) for run in runs]
    names = sorted({name for column in columns for name in column})
    return tuple(Row(name, tuple(column.get(name) for column in columns)) for name in names)


def _differing_first(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (not row.differs, row.name)))


def _parameters(run: Run) -> Mapping[str, Scalar]:
    return run.parameters


def _circumstances(run: Run) -> Mapping[str, Scalar]:
    """All that is no parameter and may yet explain a difference."""
    found: dict[str, Scalar] = {}
    if run.workflow and run.revision and run.trigger:
        found |= {"workflow": run.workflow, "revision": run.revision, "trigger": run.trigger.kind}
    if run.sheet:
        found |= {"experiment": run.sheet.experiment, "user": run.sheet.user}
        found |= {f"dataset {one.name}": one.digest for one in run.sheet.datasets}
        found |= told_in(run.sheet.tags)
    if run.work and (told := run.work.instructions):
        found |= {"as_of": told.as_of.isoformat(), **told_by(told.provenance)}
    if isinstance(run.end, Result) and run.end.dataset:
        found |= {"dataset": run.end.dataset.digest, "train_rows": run.end.dataset.train_rows}
    return found
