"""Asking for a run to be repeated: all that can be known to be missing is said before anything is started."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from murmur_events.base import RunId
from murmur_events.reproductions import Reproduces
from murmur_kernel.errors import ArtifactError
from murmur_trainer.domain.reproduction import Difference
from murmur_trainer.domain.training import EnvironmentMode, Request, Trigger
from murmur_trainer.ports import Artifacts
from murmur_trainer.repeating import differences, told
from murmur_trainer.repository import RunRecord, TrainerUnitOfWork
from murmur_trainer.schemas import DifferenceView, ReproductionAccepted
from murmur_trainer.translation import repeat_of, requested
from murmur_training.environment import Environment, read_environment


class NotReproducible(Exception):
    """A run that cannot be repeated as it was asked; the message says why and what can be done.

    differences: of its environment to the present one, where that is why.
    """

    def __init__(self, message: str, differences: tuple[Difference, ...] = ()) -> None:
        super().__init__(message)
        self.differences = differences


@dataclass(frozen=True, kw_only=True)
class AskForReproduction:
    """seed None: that of the run. key: the caller's own identity of the wish, so that saying it twice asks once."""

    run_id: str
    seed: int | None = None
    environment: EnvironmentMode = "same"
    reason: str = ""
    key: str | None = None
    by: str


class ReproductionHandlers:
    """environment: JSON of what this process and its workers run on."""

    def __init__(self, artifacts: Artifacts, *, environment: Callable[[], bytes]) -> None:
        self._artifacts = artifacts
        self._environment = environment

    async def ask_for_reproduction(self, command: AskForReproduction, uow: TrainerUnitOfWork) -> ReproductionAccepted:
        """Begins a chain with training.requested. Raises Missing (a run that is none of the trainer's) or
        NotReproducible: something of it is gone, or its environment is not the present one."""
        record = await _record_of(command.run_id, uow)
        recorded = await self._recorded_environment(record)
        await self._check_artifacts(record)
        present = read_environment(await asyncio.to_thread(self._environment))
        found = differences(record, recorded, present)
        if found and command.environment == "same":
            raise NotReproducible(told(command.run_id, found), found)
        wish = _wish(command, record)
        key = f"{command.run_id}/{command.key or uow.new_id('reproduction')}"
        reason = f"reproduction of {command.run_id}" + (f": {command.reason}" if command.reason else "")
        request = Request(
            workflow=record.workflow,
            revision=record.revision,
            trigger=Trigger(kind="reproduction", key=key, reason=reason, by=command.by),
            as_of=record.as_of,
            parameters=record.parameters,
            reproduces=repeat_of(wish),
        )
        chain = uow.publish(requested(request).model_copy(update={"reproduces": wish}))
        return ReproductionAccepted(
            of=command.run_id,
            run_id=request.run_id,
            workflow=request.workflow,
            revision=record.revision,
            seed=wish.seed,
            environment=wish.environment,
            differences=tuple(DifferenceView.of(each) for each in found) if command.environment == "present" else (),
            correlation_id=chain.correlation_id,
        )

    async def _recorded_environment(self, record: RunRecord) -> Environment:
        try:
            return read_environment(await self._artifacts.read_bytes(record.provenance.environment))
        except (ArtifactError, ValueError) as error:
            raise NotReproducible(f"the environment of run {record.run_id!r} is lost: {error}") from error

    async def _check_artifacts(self, record: RunRecord) -> None:
        rows = record.dataset
        needed = {"code": record.provenance.code, "train rows": rows.train, "holdout rows": rows.holdout}
        for name, artifact in needed.items():
            try:
                await self._artifacts.check(artifact)
            except ArtifactError as error:
                raise NotReproducible(
                    f"the {name} of run {record.run_id!r} can no longer be had: {error}. Restore it from a backup"
                ) from error


async def _record_of(run_id: str, uow: TrainerUnitOfWork) -> RunRecord:
    record = await uow.records.get(run_id)
    if record is not None:
        return record
    training = await uow.trainings.require(run_id)
    if training.ended and training.cause is None:
        raise NotReproducible(
            f"run {run_id!r} ended before the trainer kept what is needed to repeat runs: train its data again with"
            f" `murmur trigger {training.workflow}`, and repeat that"
        )
    raise NotReproducible(f"run {run_id!r} is {training.state.value}: only a completed run can be repeated")


def _wish(command: AskForReproduction, run: RunRecord) -> Reproduces:
    return Reproduces(
        run_id=RunId(run.run_id),
        code=run.provenance.code,
        dataset=run.dataset,
        seed=run.provenance.seed if command.seed is None else command.seed,
        threads=run.provenance.hardware.threads if run.provenance.hardware is not None else None,
        environment=command.environment,
    )
