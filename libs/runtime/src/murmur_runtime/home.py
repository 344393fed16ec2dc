"""The layout of a flock's directory: the only module that knows which file lies where."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

_FOLDERS = (
    *("stores", "artifacts", "logs", "run", "kafka", "envoy", "replicas", "data", "trainer", "faust"),
    "prometheus",
)


@dataclass(frozen=True)
class Home:
    root: Path

    @property
    def tag(self) -> str:
        """Names this flock in the environment of each of its processes (MURMUR_FLOCK)."""
        return hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]

    def create(self) -> None:
        for folder in _FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    def store(self, service: str) -> Path:
        return self.root / "stores" / f"{service}.db"

    @property
    def ledger(self) -> Path:
        """Written by audit alone; read by `murmur audit` with no service running."""
        return self.root / "ledger"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def envoy(self) -> Path:
        return self.root / "envoy"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def pidfile(self, process: str) -> Path:
        return self.run / f"{process}.pid.json"

    @property
    def state(self) -> Path:
        return self.run / "flock.json"

    @property
    def scrape_targets(self) -> Path:
        """Where Prometheus reads which services there are."""
        return self.root / "prometheus" / "services.json"

    @property
    def profile(self) -> Path:
        """As what this home was raised: written only where that is not the default."""
        return self.root / "profile.json"

    @property
    def plan(self) -> Path:
        """What the supervisor was asked to run: read again by the one that follows it."""
        return self.run / "plan.json"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def command_lock(self) -> Path:
        """Held by `up`, `down`, `backup` and `restore`, so that two of them do not work against each other."""
        return self.run / "command.lock"


def write_atomically(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Readers see the old or the new file, never a part; survives a kill at any moment. `mode` is cut by the umask."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
    temporary.replace(path)
