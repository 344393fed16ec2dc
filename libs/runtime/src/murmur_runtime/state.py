"""What the supervisor tells about its flock: one file, replaced as a whole at each change, read by everybody else."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, ValidationError

from murmur_runtime.home import Home
from murmur_runtime.processes import Role


class Phase(StrEnum):
    WAITING = "waiting"
    """Not started yet: the broker comes first."""
    STARTING = "starting"
    READY = "ready"
    UNREADY = "unready"
    """Alive, was ready, and is not now."""
    BACKING_OFF = "backing off"
    """Ended unasked; will be started again."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    LOST = "dead"
    """Neither alive nor supervised; the supervisor never writes this, readers conclude it."""


class FlockPhase(StrEnum):
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class ProcessState(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    port: int
    phase: Phase = Phase.WAITING
    detail: str = ""
    pid: int | None = None
    started_at: datetime | None = None
    since: datetime
    """When this phase began."""
    restarts: int = 0


class FlockState(BaseModel):
    model_config = ConfigDict(frozen=True)

    phase: FlockPhase
    supervisor: int
    """Its pid."""
    processes: tuple[ProcessState, ...]

    @property
    def ready(self) -> bool:
        return self.phase is FlockPhase.RUNNING and all(process.phase is Phase.READY for process in self.processes)


def read_state(home: Home) -> FlockState | None:
    """None where no flock has been raised, or its file was damaged: `up` makes it anew."""
    try:
        return FlockState.model_validate_json(home.state.read_text())
    except (OSError, ValidationError):
        return None
