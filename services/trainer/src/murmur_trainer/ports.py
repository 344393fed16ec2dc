"""What the trainer needs from elsewhere, in its own terms."""

from pathlib import Path
from typing import Protocol

from murmur_events.values import Artifact
from murmur_events.workflows import Limits
from murmur_training.environment import Environment
from murmur_training.process import OnMessages
from murmur_training.spec import WorkerResult, WorkerSpec


class Artifacts(Protocol):
    """Keeps large things under their digest. The kernel's ArtifactStore is one."""

    async def put_bytes(self, data: bytes, *, suffix: str = "") -> Artifact:
        """Raises Transient where it cannot be stored now."""
        ...

    async def put_file(self, path: Path) -> Artifact:
        """Raises Transient where it cannot be stored now."""
        ...

    async def read_bytes(self, artifact: Artifact) -> bytes:
        """Raises ArtifactMissing or ArtifactCorrupt where what was stored is no longer there."""
        ...

    async def fetch(self, artifact: Artifact, to: Path) -> Path:
        """A local copy at `to`. Raises as read_bytes does."""
        ...

    async def check(self, artifact: Artifact) -> None:
        """Raises as read_bytes does, and keeps nothing in memory."""
        ...


class EnvironmentUnavailable(Exception):
    """An environment of the past cannot be had; the message says what of it, and why."""


class Environments(Protocol):
    """Makes environments of the past. `environments.UvEnvironments` is one."""

    async def interpreter(self, wanted: Environment) -> Path:
        """A Python that has exactly these packages, built where there is none yet. Raises EnvironmentUnavailable."""
        ...


class Worker(Protocol):
    """Carries out one training in a process of its own. `murmur_training.process.run_worker` is one."""

    async def __call__(self, spec: WorkerSpec, limits: Limits, on_messages: OnMessages) -> WorkerResult:
        """How it ended, within the limits; the files of the result lie in `spec.work`.

        What the worker says is handed to `on_messages` in batches; what that raises ends the training. Cancelling ends
        the process first.
        """
        ...
