"""What the kernel's tests share: a tiny service of counters."""

from dataclasses import dataclass

from murmur_events.training import TrainingRequested, TrainingSkipped, Trigger
from murmur_kernel.documents import Kind
from murmur_kernel.store import DocumentWrite
from murmur_kernel.unit_of_work import Collection, UnitOfWork


@dataclass(frozen=True)
class Counter:
    name: str
    value: int = 0
    group: str | None = None


COUNTERS = Kind("counter", Counter, key=lambda counter: counter.name, indexes=("value", "group"))


class CounterUnitOfWork(UnitOfWork):
    @property
    def counters(self) -> Collection[Counter]:
        return self.collection(COUNTERS)


def write(counter: Counter, expected: int | None = 0) -> DocumentWrite:
    return DocumentWrite(
        kind="counter",
        id=counter.name,
        body=COUNTERS.dump(counter),
        fields=COUNTERS.fields(counter),
        expected=expected,
    )


def requested(workflow: str = "credit", key: str = "k", reason: str = "") -> TrainingRequested:
    return TrainingRequested(
        workflow=workflow,
        trigger=Trigger(kind="manual", key=key, reason=reason),
        as_of="2026-01-01T00:00:00Z",
    )


def skipped(workflow: str = "credit", detail: str = "") -> TrainingSkipped:
    return TrainingSkipped(
        workflow=workflow, trigger=Trigger(kind="manual", key="k"), why="already_trained", detail=detail
    )
