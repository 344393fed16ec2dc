"""The fraud story: a rare event judged by its cost, ordinary weeks, a fourth way of fraud, the retraining, a canary."""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from rich.console import Console

from murmur_access import BrokerAccess
from murmur_cli.demo.play import Play, Summary, by_drift, on_stage
from murmur_cli.demo.stage import Condition, StoryStopped, of
from murmur_cli.demo.traffic import send
from murmur_cli.door import FrontDoor, Json
from murmur_cli.words import describe
from murmur_events import Envelope
from murmur_events.deployments import CanaryJudged, CanaryStarted, ModelDeployed
from murmur_events.models import ModelRejected, ReviewRequested
from murmur_events.monitoring import AlertResolved, DriftDetected, PerformanceDegraded, WindowMeasured
from murmur_events.training import TrainingRequested
from murmur_workflows import fraud
from murmur_workflows.fraud.data import FEATURES

WEEK_ROWS = 4500
"""Of the 14,000 payments of a week: a random part, so that a week passes in seconds."""
BATCH, PAUSE = 50, 0.06
"""Some 600 payments a second: a window of five seconds holds 3,000."""
LABELS_A_CALL = 1000
CANARY_STEP = 6.0
"""Seconds after which a step of the canary can be over: deployment.canary.step_time, and a look."""
MOST_PARTS = 2
"""Parts of a week beside the first one, of so many rows each."""
CONTROL_WEEKS = fraud.FOURTH_WEEKS[:2]


@dataclass
class FraudSummary(Summary):
    """labels: how many were sent; degradations: how often the quality was found to have fallen; retrainings: how many
    were begun by either; canary: the verdict of each of its steps."""

    labels: int = 0
    degradations: int = 0
    retrainings: int = 0
    canary: list[str] = field(default_factory=list)
    weeks_until_noticed: int = 0


class FraudStory(Play[FraudSummary]):
    reviewer = "Grace, head of card security"
    patience = 900.0  # its trainings learn from 100,000 rows

    async def play(self) -> FraudSummary:
        """Raises StoryStopped as soon as something does not happen as it should."""
        started = time.monotonic()
        self._untold: deque[list[Json]] = deque()
        await self._simulate()
        await self._first_model()
        await self._worse_model()
        await self._ordinary_weeks()
        await self._control()
        await self._fourth_scenario()
        version = await self._retrained()
        await self._canary(version)
        await self._weeks_after(version)
        self.summary.seconds = round(time.monotonic() - started, 1)
        return self.summary

    async def _simulate(self) -> None:
        """In a process of its own, since the simulator writes to the terminal."""
        self.act("A city of 1,000 card holders", "29 weeks of payments are simulated once: a minute or two")
        code = "import sys, pathlib, murmur_workflows.fraud as fraud; fraud.prepare(pathlib.Path(sys.argv[1]))"
        with self.console.status("[dim]simulating, or reading what was simulated before[/dim]"):
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, str(self.data), stdout=DEVNULL, stderr=PIPE
            )
            _, said = await child.communicate()
        if child.returncode != 0:
            raise StoryStopped("the payments", said.decode().strip().rpartition("\n")[2] or "the simulator ended")

    async def _first_model(self) -> None:
        self.act("The first seven weeks", f"`murmur trigger {self.name} --at {fraud.FIRST_TICK}`")
        await self.apply(fraud.FOLDER)
        await self.tick(fraud.FIRST_TICK)
        await self.review_and_deploy(1, "first model: most of what would be looked at is fraud")

    async def _worse_model(self) -> None:
        self.act("A worse model", "by what wrong answers cost; it must not serve")
        deployed = self.stage.count(of(ModelDeployed))
        await self.train_worse(fraud.FIRST_TICK, fraud.WORSE_PARAMETERS)
        await self.wait("the worse model to be rejected", of(ModelRejected, version=2))
        self.keep_verdict(2)
        self.summary.controls["worse candidate is not deployed"] = self.stage.count(of(ModelDeployed)) == deployed

    async def _ordinary_weeks(self) -> None:
        self.act("Two weeks like those before", "payments are scored as they come; what was fraud is told a week later")
        for week in fraud.STABLE_WEEKS:
            await self._replay(week)
        await self._all_measured()
        self.summary.controls["ordinary weeks train nothing"] = self._nothing_noticed()

    async def _control(self) -> None:
        self.act("The next two weeks, if no new way of fraud appeared", "the negative control of what follows")
        for week in CONTROL_WEEKS:
            await self._replay(week, fourth=False)
        await self._all_measured()
        self.summary.controls["weeks without the fourth scenario train nothing"] = self._nothing_noticed()
        self.summary.stable_windows = self.stage.count(of(WindowMeasured, outcome="stable"))
        self.note("no drift, no training: that is the control")

    async def _fourth_scenario(self) -> None:
        self.act("The same two weeks, and those after", "stolen cards pay as their owners do, again and again")
        for number, week in enumerate(fraud.FOURTH_WEEKS, start=1):
            await self._replay(week)
            self.summary.weeks_until_noticed = number
            if self._noticed():
                break
        drift = await self.wait("drift", of(DriftDetected))
        assert isinstance(drift.event, DriftDetected)
        self.summary.drifted_features = [feature.feature for feature in drift.event.features if feature.drifted]
        await self._tell_all()
        fallen = await self.wait("the fallen quality to be seen", of(PerformanceDegraded))
        assert isinstance(fallen.event, PerformanceDegraded)
        self.summary.told["fallen quality"] = describe(fallen.event)
        await self.wait("a training that nobody asked for by hand", _retraining)

    async def _retrained(self) -> int:
        requested = await self.wait("the retrained model to be judged better", _review_after(2))
        assert isinstance(requested.event, ReviewRequested)
        version = requested.event.version
        await self.review(version, "knows the new way of fraud; costs less on the newest weeks")
        await self.wait(f"v{version} to get its first payments", of(CanaryStarted, version=version))
        return version

    async def _canary(self, version: int) -> None:
        """In the weeks of which nobody had told when it was trained."""
        self.act("The weeks after", f"a quarter of the payments go to v{version}, until it is told which were fraud")
        for week in fraud.LATER_WEEKS:
            await self._replay(week)
        await self._tell_all()
        await self.wait("the canary to be judged by what was told", of(CanaryJudged, version=version))
        self.note(f"now v{version} gets half of them")
        part = 0
        while not self.stage.count(of(ModelDeployed, version=version)) and part < MOST_PARTS:
            part += 1
            await self._replay(fraud.LATER_WEEKS[0], part=part)
            await asyncio.sleep(CANARY_STEP)
        await self.wait(f"v{version} to serve alone", of(ModelDeployed, version=version))
        for envelope in self.stage.seen:
            if isinstance(envelope.event, CanaryJudged):
                self.summary.canary.append(envelope.event.verdict)
                self.summary.told["canary"] = _quality_of(envelope.event)

    async def _weeks_after(self, version: int) -> None:
        """Drift and fallen quality are both over when windows of the new version say so."""
        self.act("All payments", f"go to v{version} now")
        for part in (1, 2):
            await self._replay(fraud.LATER_WEEKS[1], part=part)
        await self._tell_all()
        await self.wait("the end of the drift", _resolved("drift"))
        await self.wait("the end of the fallen quality", _resolved("degraded"))
        self.summary.drifts = self.stage.count(of(DriftDetected))
        self.summary.degradations = self.stage.count(of(PerformanceDegraded))
        self.summary.trainings_by_drift = self.stage.count(by_drift)
        self.summary.retrainings = self.stage.count(_retraining)
        self.summary.serving = version

    async def _replay(self, week: str, *, fourth: bool = True, part: int = 0) -> None:
        """Sends a part of a week's payments; then it is told which of those sent before were fraud."""
        whole = await asyncio.to_thread(fraud.payments, week, self.data, fourth=fourth)
        rows = whole.iloc[part * WEEK_ROWS : (part + 1) * WEEK_ROWS]
        with self.console.status(f"[dim]scoring {len(rows):,} payments of the week of {week}[/dim]"):
            answers = await send(self.door, self.name, rows[list(FEATURES)].astype(float), batch=BATCH, pause=PAUSE)
        self.summary.predictions += len(answers.probabilities)
        self.summary.failed_requests += len(answers.failures)
        self.note(
            f"{week}: {len(answers.probabilities):,} payments scored, {len(answers.failures)} requests failed;"
            f" {rows['fraud'].mean():.1%} fraud, mean probability {answers.mean:.1%}"
        )
        self._untold.append(_labels(answers.names, rows["fraud"].iloc[answers.rows]))
        if len(self._untold) > 1:
            await self._tell(self._untold.popleft())

    async def _tell(self, labels: list[Json]) -> None:
        for start in range(0, len(labels), LABELS_A_CALL):
            body = {"rows": labels[start : start + LABELS_A_CALL], "source": "complaints"}
            await self.door.post(f"/monitor/v1/deployments/{self.name}/feedback", body)
        self.summary.labels += len(labels)

    async def _tell_all(self) -> None:
        while self._untold:
            await self._tell(self._untold.popleft())

    async def _all_measured(self) -> None:
        """Whatever was sent until now, with all its labels: what is found later is not of these weeks."""
        await self._tell_all()

        def matches(envelope: Envelope) -> bool:
            return isinstance(envelope.event, WindowMeasured) and self._labelled() >= self.summary.predictions

        await self.wait("all their windows, with all labels", matches)

    def _labelled(self) -> int:
        windows = [one.event for one in self.stage.seen if isinstance(one.event, WindowMeasured)]
        newest = {(one.version, one.start): one.labelled for one in sorted(windows, key=lambda one: one.revision)}
        return sum(newest.values())

    def _noticed(self) -> bool:
        """Drift, and the fallen quality too."""
        return self.stage.count(of(DriftDetected)) > 0 and self.stage.count(of(PerformanceDegraded)) > 0

    def _nothing_noticed(self) -> bool:
        conditions = (of(DriftDetected), of(PerformanceDegraded), _retraining)
        return not any(map(self.stage.count, conditions))


def _labels(names: list[str], frauds: pd.Series) -> list[Json]:
    return [{"request_id": name, "label": int(label)} for name, label in zip(names, frauds, strict=True)]


def _review_after(version: int) -> Condition:
    def matches(envelope: Envelope) -> bool:
        return isinstance(envelope.event, ReviewRequested) and envelope.event.version > version

    return matches


def _resolved(kind: str) -> Condition:
    def matches(envelope: Envelope) -> bool:
        return isinstance(envelope.event, AlertResolved) and envelope.event.alert.startswith(f"{kind}/")

    return matches


def _quality_of(event: CanaryJudged) -> str:
    return next(f"{test.decision.replace('_', ' ')}: {test.detail}" for test in event.tests if test.aspect == "quality")


def _retraining(envelope: Envelope) -> bool:
    """A training that neither a schedule nor a person asked for."""
    event = envelope.event
    return isinstance(event, TrainingRequested) and event.trigger.kind not in ("schedule", "manual")


async def play_fraud(front_door: FrontDoor, brokers: BrokerAccess | str, data: Path, console: Console) -> FraudSummary:
    """The whole story against a flock that is up. Raises StoryStopped, NotReachable or Rejected."""
    async with on_stage(front_door, brokers, console, "fraud") as (door, stage, name):
        return await FraudStory(door, stage, console, name, data, FraudSummary(name)).play()
