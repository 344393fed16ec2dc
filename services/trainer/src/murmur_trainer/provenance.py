"""Records what a run is made of and on: in its events, and in the words in which two runs are compared."""

from murmur_events.runs import Hardware, Provenance
from murmur_events.values import Artifact
from murmur_trainer.domain.reproduction import Made, Surroundings
from murmur_trainer.repository import Revision, RunRecord
from murmur_training.environment import Environment


def provenance_of(
    revision: Revision, environment: Environment, kept: Artifact, *, seed: int, threads: int
) -> Provenance:
    """kept: the environment as an artifact."""
    return Provenance(
        code=revision.code,
        environment=kept,
        seed=seed,
        revision=revision.revision,
        lock=environment.lock,
        interpreter=environment.interpreter,
        platform=environment.platform,
        hardware=Hardware(
            processor=environment.processor,
            machine=environment.machine,
            cores=environment.cores,
            memory=environment.memory,
            threads=threads,
        ),
        source=revision.source,
    )


def surroundings_of(environment: Environment, hardware: Hardware | None = None) -> Surroundings:
    """hardware: as the run recorded it, for runs that did."""
    found = hardware.model_dump(exclude_none=True) if hardware is not None else {}
    return Surroundings(
        interpreter=environment.interpreter,
        platform=environment.platform,
        packages=environment.packages,
        hardware={name: str(value) for name, value in found.items()},
    )


def made_by(run: RunRecord, environment: Environment) -> Made:
    """A completed run, as far as two are compared."""
    return Made(
        code=run.provenance.code.sha256,
        data=run.dataset.digest,
        parameters=run.parameters,
        seed=run.provenance.seed,
        surroundings=surroundings_of(environment, run.provenance.hardware),
        model=run.model.model.sha256,
        metrics=run.metrics,
    )
