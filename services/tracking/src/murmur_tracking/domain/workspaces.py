"""Workspaces keep teams apart: in each one names are unique and searches end, and each has an experiment "0".

One that is dropped is gone at once, however much is in it: from then on its name stands for its next generation, of
which nothing is there. What is kept names the generation, too: `team-b`, then `team-b.1`.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from murmur_mlflow.workspaces import DEFAULT, internal

DEFAULT_NAME = "Default"
RESERVED = "workflows/"
"""Names that begin so are of the experiments in which the trainer's runs are found."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What a name stands for. generation: how often it was dropped. opened: the newest generation that was used, and
    since when. emptied: the newest one whose registered models are gone, too."""

    name: str
    generation: int = 0
    opened: int | None = None
    opened_at: datetime | None = None
    emptied: int | None = None

    @property
    def exists(self) -> bool:
        return self.opened == self.generation

    @property
    def current(self) -> str:
        return internal(self.name, self.generation)


def opened(workspace: Workspace, generation: int, at: datetime) -> Workspace:
    """Like `dropped`, the same in every order."""
    if workspace.opened is not None and workspace.opened >= generation:
        return workspace
    return replace(workspace, opened=generation, opened_at=at)


def emptied(workspace: Workspace, generation: int) -> Workspace:
    """Like `dropped`, the same in every order."""
    if workspace.emptied is not None and workspace.emptied >= generation:
        return workspace
    return replace(workspace, emptied=generation)


def dropped(workspace: Workspace, generation: int) -> Workspace:
    return replace(workspace, generation=max(workspace.generation, generation + 1))


def default_experiment(workspace: str) -> str:
    """The id of the experiment that clients name "0". Ids are unique over all workspaces."""
    return "0" if workspace == DEFAULT else f"{workspace}:0"


def reference(shown: str, workspace: str) -> str:
    """The id that a client of the workspace means."""
    return default_experiment(workspace) if shown == "0" else shown


def shown(experiment: str) -> str:
    """An experiment's id as clients of its workspace see it."""
    return experiment.rpartition(":")[2]


def workflow_experiment(workflow: str) -> tuple[str, str]:
    """Id and name of the experiment in which the trainer's runs of a workflow are found."""
    number = int.from_bytes(hashlib.sha256(workflow.encode()).digest()[:7], "big")
    return str(10**17 + number), f"{RESERVED}{workflow}"
