"""A worker that trains nothing: it does what it is told, in no time. It shares its contract with the real one."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path

from murmur_events.values import ColumnSpec, Signature
from murmur_events.workflows import Limits
from murmur_trainer.ports import EnvironmentUnavailable
from murmur_training import snapshot, spec
from murmur_training.environment import Environment
from murmur_training.messages import Message
from murmur_training.process import OnMessages
from murmur_training.spec import Trained, WorkerResult, WorkerSpec

TRAINED = Trained(
    digest="d" * 64,
    train_rows=75,
    holdout_rows=25,
    label_rate=0.25,
    periods=("2025Q3", "2025Q4"),
    metrics={"auc": 0.8},
    signature=Signature(inputs=(ColumnSpec(name="limit"), ColumnSpec(name="age"))),
)
FILES = (snapshot.TRAIN, snapshot.HOLDOUT, spec.MODEL, spec.PROBE, spec.REFERENCE)


class Machine:
    """What the trainer runs on, as far as it is recorded."""

    def __init__(self) -> None:
        self.packages = {"numpy": "2.4.6", "xgboost-cpu": "3.2.0"}
        self.python = "3.11.7"

    def environment_json(self) -> bytes:
        return json.dumps(
            {
                "python": self.python,
                "implementation": "CPython",
                "platform": "Linux-6",
                "processor": "abacus",
                "machine": "x86_64",
                "cores": 2,
                "memory": 2**33,
                "distributions": self.packages,
            }
        ).encode()


class FakeEnvironments:
    """Builds nothing: `python` for whatever is wanted, or the error."""

    def __init__(self) -> None:
        self.wanted: list[Environment] = []
        self.error: EnvironmentUnavailable | None = None
        self.python = Path("/fresh/bin/python")

    async def interpreter(self, wanted: Environment) -> Path:
        self.wanted.append(wanted)
        if self.error is not None:
            raise self.error
        return self.python


class FakeWorker:
    """Ends each training with the next of `results`, else with what `answers` says, or with TRAINED.

    `held` makes it wait: it then sets `began` and goes on when `go_on` is set.
    """

    def __init__(self) -> None:
        self.results: deque[WorkerResult | Exception] = deque()
        self.answers: Callable[[WorkerSpec], WorkerResult] | None = None
        self.messages: tuple[Message, ...] = ()
        self.specs: list[WorkerSpec] = []
        self.held = False
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, spec_: WorkerSpec, limits: Limits, on_messages: OnMessages) -> WorkerResult:
        self.specs.append(spec_)
        spec_.work.mkdir(parents=True, exist_ok=True)
        (spec_.work / spec.LOG).write_text("a line\n")
        if self.messages:
            await on_messages(self.messages)
        if self.held:
            self.began.set()
            await self.go_on.wait()
        result = self.results.popleft() if self.results else self.answers(spec_) if self.answers else TRAINED
        if isinstance(result, Exception):
            raise result
        if isinstance(result, Trained):
            for name in FILES:
                (spec_.work / name).write_text(name)
        return result
