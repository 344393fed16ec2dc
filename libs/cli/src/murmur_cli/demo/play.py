"""What every story does on its stage: apply a workflow, ask for trainings, review, deploy, and say what it does."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.console import Console

from murmur_access import BrokerAccess
from murmur_cli.bundle import read_folder, renamed
from murmur_cli.demo.stage import Condition, Stage, about, of
from murmur_cli.door import FrontDoor
from murmur_events import Envelope
from murmur_events.deployments import DeploymentFailed, DeploymentRolledBack, ModelDeployed
from murmur_events.models import ReviewRequested
from murmur_events.runs import RunFailed
from murmur_events.training import TrainingRequested
from murmur_events.validation import ValidationCompleted


@dataclass
class Summary:
    """What a story showed, written to .murmur/demo-<story>.json. told: what else its end says, by subject."""

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
    told: dict[str, str] = field(default_factory=dict)
    controls: dict[str, bool] = field(default_factory=dict)


S = TypeVar("S", bound=Summary)


class Play(Generic[S]):
    """One story under a workflow name of its own, so that it can be played again on what it left."""

    reviewer = "Ada"
    patience = 180.0
    """Seconds that anything may take before the story is given up."""

    def __init__(self, door: FrontDoor, stage: Stage, console: Console, name: str, data: Path, summary: S) -> None:
        self.door = door
        self.stage = stage
        self.console = console
        self.name = name
        self.data = data
        self.summary = summary

    async def apply(self, folder: Path) -> None:
        files = read_folder(folder)
        definition = renamed(files.pop("workflow.yaml"), self.name)
        await self.door.put(f"/trainer/v1/workflows/{self.name}", {"definition": definition, "files": files})

    async def tick(self, at: str) -> None:
        """Asks for the training of a past tick of the schedule."""
        await self._train({"kind": "schedule", "as_of": at})

    async def train_worse(self, at: str, parameters: dict[str, int]) -> None:
        reason = "a worse model, on purpose"
        await self._train({"kind": "manual", "as_of": at, "parameters": parameters, "reason": reason})

    async def _train(self, body: dict[str, Any]) -> None:
        key = f"{self.name}-{uuid.uuid4()}"
        await self.door.post(f"/trainer/v1/workflows/{self.name}/trainings", body, key=key)

    async def review_and_deploy(self, version: int, reason: str) -> None:
        await self.review(version, reason)
        await self.wait(f"v{version} to serve", of(ModelDeployed, version=version))

    async def review(self, version: int, reason: str) -> None:
        await self.wait(f"v{version} to be trained and judged", of(ReviewRequested, version=version))
        self.keep_verdict(version)
        report = f"{self.door.address}/validator/v1/validations/{self.name}/{version}/report"
        self.note(f"the report for the reviewer: {report}")
        await self.door.post(
            f"/registry/v1/models/{self.name}/versions/{version}/review",
            {"decision": "approved", "by": None if self.door.signed_in else self.reviewer, "reason": reason},
            key=f"{self.name}-review-{version}",
        )

    async def wait(self, what: str, condition: Condition) -> Envelope:
        """Raises StoryStopped when it does not come, or when a training or a deployment failed or went back first."""
        return await self.stage.wait_for(what, condition, unless=_hopeless, within=self.patience)

    def keep_verdict(self, version: int) -> None:
        for envelope in self.stage.seen:
            event = envelope.event
            if isinstance(event, ValidationCompleted) and event.version == version:
                self.summary.verdicts[f"v{version}"] = event.summary
                self.summary.differences[f"v{version}"] = {
                    f"{name} {part}": getattr(interval, part)
                    for name, interval in event.differences.items()
                    for part in ("value", "low", "high")
                }

    def act(self, title: str, subtitle: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]  [dim]{subtitle}[/dim]", soft_wrap=True)

    def note(self, text: str) -> None:
        self.console.print(f"[dim]              {text}[/dim]", highlight=False, soft_wrap=True)


def by_drift(envelope: Envelope) -> bool:
    """A training that drift asked for."""
    return isinstance(envelope.event, TrainingRequested) and envelope.event.trigger.kind == "drift"


def _hopeless(envelope: Envelope) -> bool:
    return isinstance(envelope.event, RunFailed | DeploymentFailed | DeploymentRolledBack)


@asynccontextmanager
async def on_stage(
    front_door: FrontDoor, brokers: BrokerAccess | str, console: Console, story: str
) -> AsyncIterator[tuple[FrontDoor, Stage, str]]:
    """The door, the stage, and the workflow's name: the story's own, or credit-2, credit-3 where it has a history."""
    async with front_door as door:
        name = await _free_name(door, story)
        if name != story:
            console.print(f"[dim]{story} has a history here already: this time the story is played as {name}[/dim]")
        stage = Stage(brokers, console, about(name))
        async with stage.open():
            yield door, stage, name


async def _free_name(door: FrontDoor, story: str) -> str:
    taken = {str(workflow["name"]) for workflow in await door.items("/trainer/v1/workflows")}
    number = 1
    while (name := story if number == 1 else f"{story}-{number}") in taken:
        number += 1
    return name
