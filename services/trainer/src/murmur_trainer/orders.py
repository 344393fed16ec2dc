"""What the worker of an attempt is told: the code and, where a run is repeated, its rows and its environment."""

from pathlib import Path

from murmur_kernel.errors import ArtifactError
from murmur_trainer.outcome import Attempt
from murmur_trainer.ports import Artifacts, Environments, EnvironmentUnavailable
from murmur_trainer.workflow_file import unpack
from murmur_training.spec import Failed, WorkerSpec


class Orders:
    """data_dir: where downloaded data is kept, from one training to the next."""

    def __init__(self, artifacts: Artifacts, environments: Environments, *, data_dir: Path) -> None:
        self._artifacts = artifacts
        self._environments = environments
        self._data_dir = data_dir

    async def of(self, attempt: Attempt, folder: Path) -> WorkerSpec | Failed:
        """Its files are in `folder`. Failed: why it cannot begin. Raises Transient."""
        repeats, snapshot, interpreter = attempt.repeats, None, None
        try:
            unpack(await self._artifacts.read_bytes(attempt.provenance.code), folder / "code")
            if repeats is not None:
                snapshot = await repeats.lay_out(self._artifacts, folder / "snapshot")
        except ArtifactError as error:
            what = f"the code of revision {attempt.training.revision}" if repeats is None else "what is to be repeated"
            return Failed(cause="killed", message=f"{what} is lost: {error}")
        if repeats is not None:
            if (refusal := repeats.refusal(attempt.environment)) is not None:
                return Failed(cause="environment_unavailable", message=refusal)
            if repeats.mode == "fresh":
                try:
                    interpreter = await self._environments.interpreter(attempt.environment)
                except EnvironmentUnavailable as error:
                    return Failed(cause="environment_unavailable", message=str(error))
        return WorkerSpec(
            code=folder / "code",
            work=folder / "work",
            data_dir=self._data_dir,
            as_of=attempt.training.as_of,
            data=attempt.definition.data,
            entry=attempt.definition.training.entry,
            parameters=attempt.parameters,
            seed=attempt.provenance.seed,
            costs=attempt.definition.validation.costs,
            threads=attempt.threads,
            snapshot=snapshot,
            interpreter=interpreter,
        )
