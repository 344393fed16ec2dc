"""What tracking remembers of each fact about a run."""

from pydantic import TypeAdapter

from murmur_events.runs import RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_tracking.domain import runs
from murmur_tracking.domain.facts import Completed, Failed, Logged, Started
from murmur_tracking.repository import Batch, TrackingUnitOfWork

_STARTED = TypeAdapter(Started)
_COMPLETED = TypeAdapter(Completed)
_FAILED = TypeAdapter(Failed)
_LOGGED = TypeAdapter(Logged)
"""Each takes from an event the fields that its fact names, under the same names."""


async def remember_start(event: RunStarted, uow: TrackingUnitOfWork) -> None:
    await _remember(_STARTED.validate_python(event.model_dump()), uow)


async def remember_completion(event: RunCompleted, uow: TrackingUnitOfWork) -> None:
    await _remember(_COMPLETED.validate_python(event.model_dump()), uow)


async def remember_failure(event: RunFailed, uow: TrackingUnitOfWork) -> None:
    await _remember(_FAILED.validate_python(event.model_dump()), uow)


async def remember_batch(event: RunLogged, uow: TrackingUnitOfWork) -> None:
    """Waits for the run to be known. What comes after the run's end is kept too, and changes neither end nor result.

    So is what a lower attempt said, whenever it comes: it changes nothing of the run, and nobody is shown it.
    """
    fact = _LOGGED.validate_python(event.model_dump())
    run = await uow.runs.require(event.run_id)
    uow.runs.save(runs.log(run, fact))
    if fact.metrics or fact.lines:
        assert uow.cause is not None, "batches come as events only"
        uow.batches.save(
            Batch(
                run_id=fact.run_id,
                attempt=fact.attempt,
                sequence=uow.cause.sequence,
                points=fact.metrics,
                lines=fact.lines,
            )
        )


async def _remember(fact: Started | Completed | Failed, uow: TrackingUnitOfWork) -> None:
    uow.runs.save(runs.fold(await uow.runs.get(fact.run_id), fact))
