"""The part of a training that repeats another: its rows and its environment before, the verdict after."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from murmur_events.base import RunId
from murmur_events.reproductions import Difference, MetricDifference, Reproduction
from murmur_trainer.domain import reproduction
from murmur_trainer.domain.reproduction import Original, environment_differences
from murmur_trainer.domain.training import EnvironmentMode, Repeat
from murmur_trainer.ports import Artifacts
from murmur_trainer.provenance import made_by, surroundings_of
from murmur_trainer.repository import RunRecord
from murmur_training import snapshot
from murmur_training.environment import Environment, read_environment
from murmur_training.spec import PinnedSnapshot

SHOWN = 8
"""So many differences stand in one message; the rest are counted."""


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """The run that is repeated, and what it ran on; how it is repeated."""

    record: RunRecord
    environment_json: bytes
    mode: EnvironmentMode

    @property
    def environment(self) -> Environment:
        return read_environment(self.environment_json)

    def refusal(self, present: Environment) -> str | None:
        """Why it is not repeated in the present environment, None where it may be."""
        found = differences(self.record, self.environment, present)
        return told(self.record.run_id, found) if found and self.mode == "same" else None

    async def lay_out(self, artifacts: Artifacts, folder: Path) -> PinnedSnapshot:
        """The rows that it learned from, as files. Raises ArtifactError."""
        rows, record = self.record.dataset, self.record
        train, holdout = await asyncio.gather(
            artifacts.fetch(rows.train, folder / snapshot.TRAIN),
            artifacts.fetch(rows.holdout, folder / snapshot.HOLDOUT),
        )
        return PinnedSnapshot(
            train=train,
            holdout=holdout,
            digest=rows.digest,
            periods=record.periods,
            signature=record.model.signature,
        )

    def verdict(self, run: RunRecord, environment: Environment) -> Reproduction:
        """How `run`, which ran on `environment`, compares."""
        original = made_by(self.record, self.environment)
        repeated = made_by(run, environment)
        found = reproduction.compare(original, repeated)
        return Reproduction(
            of=RunId(self.record.run_id),
            verdict=found.verdict,
            original_sha256=original.model,
            reproduced_sha256=repeated.model,
            metrics=tuple(_metric(each) for each in found.metrics),
            differences=tuple(_difference(each) for each in found.differences),
        )


async def repeated(repeat: Repeat, record: RunRecord, artifacts: Artifacts) -> Repeated:
    """Raises ArtifactError where what it ran on is no longer kept."""
    kept = await artifacts.read_bytes(record.provenance.environment)
    return Repeated(record=record, environment_json=kept, mode=repeat.environment)


def original_of(record: RunRecord) -> Original:
    return Original(
        run_id=record.run_id,
        workflow=record.workflow,
        revision=record.revision,
        code=record.provenance.code.sha256,
        data=record.dataset.digest,
    )


def differences(run: RunRecord, environment: Environment, present: Environment) -> tuple[reproduction.Difference, ...]:
    """Of the environment in which it ran to the present one, as far as they decide whether it may be repeated."""
    return environment_differences(surroundings_of(environment, run.provenance.hardware), surroundings_of(present))


def told(run_id: str, found: tuple[reproduction.Difference, ...]) -> str:
    """A refusal that names what differs, and what to do."""
    shown = ", ".join(
        f"{each.name} {each.original or 'absent'} -> {each.reproduced or 'absent'}" for each in found[:SHOWN]
    )
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return (
        f"run {run_id!r} ran in another environment, so what comes out may differ: {shown}{more}."
        f" Repeat it in the present one all the same (--in-present-environment; the verdict names the differences),"
        f" or in one built of its versions (--fresh-environment)"
    )


def _metric(each: reproduction.MetricDifference) -> MetricDifference:
    return MetricDifference(
        name=each.name, original=each.original, reproduced=each.reproduced, difference=each.difference
    )


def _difference(each: reproduction.Difference) -> Difference:
    fields: dict[str, Any] = vars(each)
    return Difference(**fields)
