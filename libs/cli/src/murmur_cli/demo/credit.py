"""The credit story: two quarters, a worse candidate, a stable and a shifted population, and the retraining."""

import asyncio
import time
from pathlib import Path

import pandas as pd
from rich.console import Console

from murmur_access import BrokerAccess
from murmur_cli.demo.play import Play, Summary, by_drift, on_stage
from murmur_cli.demo.stage import of
from murmur_cli.demo.traffic import Answers, send
from murmur_cli.door import FrontDoor
from murmur_events.deployments import ModelDeployed
from murmur_events.models import ModelRejected
from murmur_events.monitoring import AlertResolved, DriftDetected, WindowMeasured
from murmur_events.training import TrainingSkipped
from murmur_workflows import credit

STABLE_ROWS = 900
SHIFTED_ROWS = 900


class CreditStory(Play[Summary]):
    reviewer = "Ada, head of credit risk"

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
        self.act("A workflow is applied", "one file says how the model is made, judged, served and watched")
        await self.apply(credit.FOLDER)

    async def _first_model(self) -> None:
        self.act("The first quarter", f"`murmur trigger {self.name} --at {credit.FIRST_TICK}`")
        await self.tick(credit.FIRST_TICK)
        await self.review_and_deploy(1, "first model: above the minimum, calibration looks right")

    async def _next_quarter(self) -> None:
        self.act(
            "A later quarter, with more customers",
            "while it is trained, judged and swapped in, customers keep being scored through the front door",
        )
        swapped = asyncio.Event()
        traffic = asyncio.create_task(self._until(swapped))
        await self.tick(credit.SECOND_TICK)
        await self.review_and_deploy(2, "better on the same holdout, no slice lost")
        swapped.set()
        answers = await traffic
        self.summary.failed_requests = len(answers.failures)
        self.note(
            f"{len(answers.probabilities):,} customers scored meanwhile in {answers.requests:,} requests,"
            f" {len(answers.failures)} failed; mean probability of default {answers.mean:.3f}"
        )
        for failure in answers.failures[:3]:
            self.note(f"failed: {failure}")

    async def _controls(self) -> None:
        self.act("Two things that must not happen", "the same tick twice, and a worse model")
        await self.tick(credit.SECOND_TICK)
        await self.stage.wait_for("the repeated tick to be skipped", of(TrainingSkipped, why="already_trained"))
        self.summary.controls["same trigger makes one version"] = True
        deployed = self.stage.count(of(ModelDeployed))
        await self.train_worse(credit.SECOND_TICK, credit.WORSE_PARAMETERS)
        await self.wait("the worse model to be rejected", of(ModelRejected, version=3))
        self.keep_verdict(3)
        self.summary.controls["worse candidate is not deployed"] = self.stage.count(of(ModelDeployed)) == deployed

    async def _stable_population(self) -> None:
        self.act("A quarter like the others", f"{STABLE_ROWS:,} customers of {credit.STABLE_QUARTER} ask for credit")
        requested = self.stage.count(by_drift)
        await self._score(credit.STABLE_QUARTER, STABLE_ROWS)
        await self.wait("a window of them", of(WindowMeasured, outcome="stable", version=2))
        self.summary.stable_windows = self.stage.count(of(WindowMeasured, outcome="stable"))
        self.summary.controls["stable quarter trains nothing"] = (
            self.stage.count(of(DriftDetected)) == 0 and self.stage.count(by_drift) == requested
        )
        self.note("no drift, no training: that is the control")

    async def _shifted_population(self) -> None:
        self.act("The campaign quarter", f"{credit.SHIFTED_QUARTER}: the bank now reaches other people")
        await self._score(credit.SHIFTED_QUARTER, SHIFTED_ROWS)
        drift = await self.wait("drift", of(DriftDetected))
        assert isinstance(drift.event, DriftDetected)
        self.summary.drifted_features = [feature.feature for feature in drift.event.features if feature.drifted]
        await self.wait("the drift to start a training", by_drift)
        await self.review_and_deploy(4, "learned the new customers; better on the new holdout")
        await self._score(credit.SHIFTED_QUARTER, SHIFTED_ROWS, later=True)
        await self.wait("the alert to be resolved", of(AlertResolved))
        self.summary.drifts = self.stage.count(of(DriftDetected))
        self.summary.trainings_by_drift = self.stage.count(by_drift)
        self.summary.serving = 4

    async def _score(self, quarter: str, rows: int, *, later: bool = False) -> None:
        """Sends rows of a quarter at a pace that fills a window; the second half of them when `later`."""
        frame = _shuffled(await asyncio.to_thread(credit.applicants, quarter, self.data))
        part = frame.iloc[rows : 2 * rows] if later else frame.iloc[:rows]
        with self.console.status(f"[dim]scoring {len(part):,} customers of {quarter}[/dim]"):
            answers = await send(self.door, self.name, part, batch=15, pause=0.15)
        self.summary.predictions += len(answers.probabilities)
        self.summary.failed_requests += len(answers.failures)
        shown = ", ".join(f"{probability:.3f}" for probability in answers.probabilities[:4])
        self.note(f"POST /v2/models/{self.name}/infer answered {len(answers.probabilities):,} rows: {shown}, …")

    async def _until(self, stop: asyncio.Event) -> Answers:
        """Scores customers of the first quarter again and again until told to stop."""
        frame = _shuffled(await asyncio.to_thread(credit.applicants, credit.FIRST_QUARTER, self.data))
        total = Answers()
        while not stop.is_set():
            answers = await send(self.door, self.name, frame.iloc[:40], batch=2, pause=0.05)
            total.requests += answers.requests
            total.failures += answers.failures
            total.probabilities += answers.probabilities
        self.summary.predictions += len(total.probabilities)
        return total


def _shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    """In an order that has nothing to do with who the customers are, the same each time."""
    return frame.sample(frac=1, random_state=2005)


async def play_credit(front_door: FrontDoor, brokers: BrokerAccess | str, data: Path, console: Console) -> Summary:
    """The whole story against a flock that is up. Raises StoryStopped, NotReachable or Rejected."""
    async with on_stage(front_door, brokers, console, "credit") as (door, stage, name):
        return await CreditStory(door, stage, console, name, data, Summary(name)).play()
