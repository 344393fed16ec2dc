"""The credit story: two quarters, a worse candidate, a stable and a shifted population, and the retraining."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from murmur_access import BrokerAccess
from murmur_cli.bundle import read_folder, renamed
from murmur_cli.demo.stage import Stage, about, of
from murmur_cli.demo.traffic import Answers, send
from murmur_cli.door import FrontDoor, Json
from murmur_events import Envelope
from murmur_events.deployments import DeploymentFailed, ModelDeployed
from murmur_events.models import ModelRejected, ReviewRequested
from murmur_events.monitoring import AlertResolved, DriftDetected, WindowMeasured
from murmur_events.runs import RunFailed
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_events.validation import ValidationCompleted
from murmur_workflows import credit

REVIEWER = "Ada, head of credit risk"
STABLE_ROWS = 900
SHIFTED_ROWS = 900


@dataclass
class Summary:
    """What the story showed, in numbers; written to .murmur/demo-credit.json."""

    workflow: str
    seconds: float = 0.0
    verdicts: dict[str, str] = field(default_factory=dict)
    differences: dict[str, dict[str, float]] = field(default_factory=dict)
    predictions: int = 0
    failed_requests: int = 0
    stable_windows: int = 0
    drifts: int = 0
    drifted_features: list[str] = field(default_factory=list)
    trainings_by_drift: int = 0
    serving: int = 0
    controls: dict[str, bool] = field(default_factory=dict)


class CreditStory:
    """Plays the story under a workflow name of its own, so that it can be played again on what it left."""

    def __init__(self, door: FrontDoor, stage: Stage, console: Console, name: str, data: Path) -> None:
        self._door = door
        self._stage = stage
        self._console = console
        self._name = name
        self._data = data
        self.summary = Summary(workflow=name)

    async def play(self) -> Summary:
        """Raises StoryStopped as soon as something does not happen as it should."""
        started = time.monotonic()
        await self._apply()
        await self._first_model()
        await self._next_quarter()
        await self._controls()
        await self._stable_population()
        await self._shifted_population()
        self.summary.seconds = round(time.monotonic() - started, 1)
        return self.summary

    async def _apply(self) -> None:
        self._act("A workflow is applied", "one file says how the model is made, judged, served and watched")
        files = read_folder(credit.FOLDER)
        definition = renamed(files.pop("workflow.yaml"), self._name)
        await self._door.put(f"/trainer/v1/workflows/{self._name}", {"definition": definition, "files": files})

    async def _first_model(self) -> None:
        self._act("The first quarter", f"`murmur trigger {self._name} --at {credit.FIRST_TICK}`")
        await self._tick(credit.FIRST_TICK)
        await self._review_and_deploy(1, "first model: above the minimum, calibration looks right")

    async def _next_quarter(self) -> None:
        self._act(
            "A later quarter, with more customers",
            "while it is trained, judged and swapped in, customers keep being scored through the front door",
        )
        swapped = asyncio.Event()
        traffic = asyncio.create_task(self._until(swapped))
        await self._tick(credit.SECOND_TICK)
        await self._review_and_deploy(2, "better on the same holdout, no slice lost")
        swapped.set()
        answers = await traffic
        self.summary.failed_requests = len(answers.failures)
        self._note(
            f"{len(answers.probabilities):,} customers scored meanwhile in {answers.requests:,} requests,"
            f" {len(answers.failures)} failed; mean probability of default {answers.mean:.3f}"
        )
        for failure in answers.failures[:3]:
            self._note(f"failed: {failure}")

    async def _controls(self) -> None:
        self._act("Two things that must not happen", "the same tick twice, and a worse model")
        await self._tick(credit.SECOND_TICK)
        await self._stage.wait_for(
            "the repeated tick to be skipped", self._mine(TrainingSkipped, why="already_trained")
        )
        self.summary.controls["same trigger makes one version"] = True
        deployed = self._stage.count(self._mine(ModelDeployed))
        await self._door.post(
            f"/trainer/v1/workflows/{self._name}/trainings",
            {
                "kind": "manual",
                "as_of": credit.SECOND_TICK,
                "parameters": credit.WORSE_PARAMETERS,
                "reason": "a worse model, on purpose",
            },
            key=f"{self._name}-worse-{uuid.uuid4()}",
        )
        await self._wait("the worse model to be rejected", self._mine(ModelRejected, version=3))
        self._keep_verdict(3)
        self.summary.controls["worse candidate is not deployed"] = (
            self._stage.count(self._mine(ModelDeployed)) == deployed
        )

    async def _stable_population(self) -> None:
        self._act("A quarter like the others", f"{STABLE_ROWS:,} customers of {credit.STABLE_QUARTER} ask for credit")
        requested = self._stage.count(self._by_drift())
        await self._score(credit.STABLE_QUARTER, STABLE_ROWS)
        await self._wait("a window of them", self._window("stable", version=2))
        self.summary.stable_windows = self._stage.count(self._mine(WindowMeasured, outcome="stable"))
        self.summary.controls["stable quarter trains nothing"] = (
            self._stage.count(self._mine(DriftDetected)) == 0 and self._stage.count(self._by_drift()) == requested
        )
        self._note("no drift, no training: that is the control")

    async def _shifted_population(self) -> None:
        self._act("The campaign quarter", f"{credit.SHIFTED_QUARTER}: the bank now reaches other people")
        await self._score(credit.SHIFTED_QUARTER, SHIFTED_ROWS)
        drift = await self._wait("drift", self._mine(DriftDetected))
        assert isinstance(drift.event, DriftDetected)
        self.summary.drifted_features = [feature.feature for feature in drift.event.features if feature.drifted]
        await self._wait("the drift to start a training", self._by_drift())
        await self._review_and_deploy(4, "learned the new customers; better on the new holdout")
        await self._score(credit.SHIFTED_QUARTER, SHIFTED_ROWS, later=True)
        await self._wait("the alert to be resolved", self._mine(AlertResolved))
        self.summary.drifts = self._stage.count(self._mine(DriftDetected))
        self.summary.trainings_by_drift = self._stage.count(self._by_drift())
        self.summary.serving = 4

    async def _tick(self, at: str) -> None:
        await self._door.post(
            f"/trainer/v1/workflows/{self._name}/trainings",
            {"kind": "schedule", "as_of": at},
            key=f"{self._name}-{at}-{uuid.uuid4()}",
        )

    async def _review_and_deploy(self, version: int, reason: str) -> None:
        await self._wait(f"v{version} to be trained and judged", self._mine(ReviewRequested, version=version))
        self._keep_verdict(version)
        report = f"{self._door.address}/validator/v1/validations/{self._name}/{version}/report"
        self._note(f"the report for the reviewer: {report}")
        await self._door.post(
            f"/registry/v1/models/{self._name}/versions/{version}/review",
            {"decision": "approved", "by": None if self._door.signed_in else REVIEWER, "reason": reason},
            key=f"{self._name}-review-{version}",
        )
        await self._wait(f"v{version} to serve", self._mine(ModelDeployed, version=version))

    async def _score(self, quarter: str, rows: int, *, later: bool = False) -> None:
        """Sends rows of a quarter at a pace that fills a window; the second half of them when `later`."""
        frame = _shuffled(await asyncio.to_thread(credit.applicants, quarter, self._data))
        part = frame.iloc[rows : 2 * rows] if later else frame.iloc[:rows]
        with self._console.status(f"[dim]scoring {len(part):,} customers of {quarter}[/dim]"):
            answers = await send(self._door, self._name, part, batch=15, pause=0.15)
        self.summary.predictions += len(answers.probabilities)
        self.summary.failed_requests += len(answers.failures)
        shown = ", ".join(f"{probability:.3f}" for probability in answers.probabilities[:4])
        self._note(f"POST /v2/models/{self._name}/infer answered {len(answers.probabilities):,} rows: {shown}, …")

    async def _until(self, stop: asyncio.Event) -> Answers:
        """Scores customers of the first quarter again and again until told to stop."""
        frame = _shuffled(await asyncio.to_thread(credit.applicants, credit.FIRST_QUARTER, self._data))
        total = Answers()
        while not stop.is_set():
            answers = await send(self._door, self._name, frame.iloc[:40], batch=2, pause=0.05)
            total.requests += answers.requests
            total.failures += answers.failures
            total.probabilities += answers.probabilities
        self.summary.predictions += len(total.probabilities)
        return total

    async def _wait(self, what: str, condition: Any) -> Envelope:
        return await self._stage.wait_for(what, condition, unless=self._hopeless)

    def _hopeless(self, envelope: Envelope) -> bool:
        return isinstance(envelope.event, RunFailed | DeploymentFailed)

    def _mine(self, kind: type[Any], **fields: object) -> Any:
        return of(kind, **fields)

    def _window(self, outcome: str, version: int) -> Any:
        return of(WindowMeasured, outcome=outcome, version=version)

    def _by_drift(self) -> Any:
        def matches(envelope: Envelope) -> bool:
            return isinstance(envelope.event, TrainingRequested) and envelope.event.trigger.kind == "drift"

        return matches

    def _keep_verdict(self, version: int) -> None:
        for envelope in self._stage.seen:
            event = envelope.event
            if isinstance(event, ValidationCompleted) and event.version == version:
                self.summary.verdicts[f"v{version}"] = event.summary
                self.summary.differences[f"v{version}"] = {
                    f"{name} {part}": getattr(interval, part)
                    for name, interval in event.differences.items()
                    for part in ("value", "low", "high")
                }

    def _act(self, title: str, subtitle: str) -> None:
        self._console.print(f"\n[bold]{title}[/bold]  [dim]{subtitle}[/dim]", soft_wrap=True)

    def _note(self, text: str) -> None:
        self._console.print(f"[dim]              {text}[/dim]", highlight=False, soft_wrap=True)


def _shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    """In an order that has nothing to do with who the customers are, the same each time."""
    return frame.sample(frac=1, random_state=2005)


async def free_name(door: FrontDoor) -> str:
    """`credit`, or the first of credit-2, credit-3, … that has no history yet."""
    taken = {str(workflow["name"]) for workflow in await _workflows(door)}
    number = 1
    while (name := "credit" if number == 1 else f"credit-{number}") in taken:
        number += 1
    return name


async def _workflows(door: FrontDoor) -> list[Json]:
    return await door.items("/trainer/v1/workflows")


async def play_credit(front_door: FrontDoor, brokers: BrokerAccess | str, data: Path, console: Console) -> Summary:
    """The whole story against a flock that is up. Raises StoryStopped, NotReachable or Rejected."""
    async with front_door as door:
        name = await free_name(door)
        if name != "credit":
            console.print(f"[dim]credit has a history here already: this time the story is played as {name}[/dim]")
        stage = Stage(brokers, console, about(name))
        async with stage.open():
            return await CreditStory(door, stage, console, name, data).play()
