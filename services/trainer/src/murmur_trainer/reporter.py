"""Tells what a worker says while it works, in events small enough for any broker."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import structlog

from murmur_events.base import RunId, WorkflowName
from murmur_events.runs import MetricPoint, RunLogged
from murmur_kernel.backoff import Backoff
from murmur_kernel.errors import Transient
from murmur_kernel.jobs import Job
from murmur_trainer.repository import TrainerUnitOfWork, TrainingDocument
from murmur_training.messages import Line, Message, Metric, Phase, Progress

MOST_POINTS = 200
MOST_CHARACTERS = 50_000
"""Of printed lines in one event: even if each needed six bytes, the event stays far below what a broker takes."""

log = structlog.get_logger()


@dataclass
class Batch:
    """What one run.logged says."""

    points: list[MetricPoint] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    characters: int = 0
    progress: float | None = None

    @property
    def full(self) -> bool:
        return len(self.points) >= MOST_POINTS or self.characters >= MOST_CHARACTERS

    @property
    def empty(self) -> bool:
        return not self.points and not self.lines and self.progress is None

    def add(self, message: Message) -> None:
        match message:
            case Metric(name=name, step=step, value=value, time=time):
                self.points.append(MetricPoint(name=name, step=step, value=value, time=time))
            case Line(text=text):
                self.lines.append(text)
                self.characters += len(text)
            case Progress(fraction=fraction):
                self.progress = fraction
            case Phase():
                pass  # the progress tells as much


class Reporter:
    """Publishes run.logged for one attempt, in the chain that asked for the training."""

    def __init__(self, job: Job[TrainerUnitOfWork], training: TrainingDocument) -> None:
        self._job = job
        self._training = training

    async def tell(self, messages: Iterable[Message]) -> None:
        """Returns once they are committed, so that a store that is away holds the talk up and not the training.

        Raises LeaseLost where another worker has taken the training over.
        """
        events = [self._event(batch) for batch in batches(messages)]
        backoff = Backoff()
        while events:
            try:
                async with self._job.unit_of_work() as uow:
                    uow.resume(self._training.chain)
                    for event in events:
                        uow.publish(event)
                return
            except Transient as error:
                log.warning("run log waits", error=str(error))
                await asyncio.sleep(backoff.next())

    def _event(self, batch: Batch) -> RunLogged:
        return RunLogged(
            run_id=RunId(self._training.run_id),
            workflow=WorkflowName(self._training.workflow),
            attempt=self._training.attempt,
            metrics=tuple(batch.points),
            lines=tuple(batch.lines),
            progress=batch.progress,
        )


def batches(messages: Iterable[Message]) -> Iterator[Batch]:
    """The messages in order, cut into what fits one event."""
    batch = Batch()
    for message in messages:
        batch.add(message)
        if batch.full:
            yield batch
            batch = Batch()
    if not batch.empty:
        yield batch
