"""What the deployer answers of a deployment right now, as far as the console shows it; and a look that is kept."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from murmur_console.clients import DoorError, FrontDoor, Refusal

T = TypeVar("T", bound=BaseModel)


class Replica(BaseModel):
    name: str
    role: str
    version: int
    pid: int | None
    http_port: int
    grpc_port: int
    retired_at: datetime | None
    proven: bool
    started_at: datetime | None = None


class CanaryNow(BaseModel):
    version: int
    step: int
    weight: float
    since: datetime
    rows: int


class DeploymentNow(BaseModel):
    name: str
    state: str
    target_version: int
    serving_version: int | None
    wanted_replicas: int
    previous_version: int | None
    canary: CanaryNow | None
    replicas: list[Replica]


class Pace(BaseModel):
    """Rates are null until the deployer has looked twice."""

    version: int
    requests: int
    rate: float | None
    errors: float | None
    p50_ms: float | None
    p99_ms: float | None


class ReplicaPace(Pace):
    name: str
    answers: bool


class VersionPace(Pace):
    role: str
    replicas: int


class TrafficNow(BaseModel):
    at: datetime
    replicas: list[ReplicaPace]
    versions: list[VersionPace]


class BatchNow(BaseModel):
    id: str
    state: str
    version: int | None
    rows: int | None
    rows_done: int
    rate: float | None


class BatchesNow(BaseModel):
    items: list[BatchNow]


@dataclass
class Look:
    """The last answers of the deployer, and since when there are none: what was known then stays."""

    deployment: DeploymentNow | None = None
    traffic: TrafficNow | None = None
    batches: dict[str, BatchNow] = field(default_factory=dict)
    seen: datetime | None = None
    trouble: str = ""
    revision: int = 0

    def pace_of(self, replica: str) -> ReplicaPace | None:
        found = self.traffic.replicas if self.traffic else []
        return next((one for one in found if one.name == replica), None)

    def pace_of_version(self, version: int) -> VersionPace | None:
        found = self.traffic.versions if self.traffic else []
        return next((one for one in found if one.version == version), None)

    async def again(self, door: FrontDoor, name: str) -> None:
        """All of it, or why not."""
        self.revision += 1
        where = f"/v1/deployments/{quote(name, safe='')}"
        try:
            self.deployment, self.traffic, batches = await asyncio.gather(
                _read(door, DeploymentNow, where),
                _read(door, TrafficNow, f"{where}/traffic"),
                _read(door, BatchesNow, "/v1/batches", deployment=name, limit="20"),
            )
        except DoorError as error:
            self.trouble = str(error)
            return
        self.batches = {one.id: one for one in batches.items}
        self.seen, self.trouble = datetime.now(UTC), ""


async def _read(door: FrontDoor, form: type[T], path: str, **query: str) -> T:
    content = await door.read("deployer", path, query)
    try:
        return form.model_validate_json(content)
    except ValidationError as error:
        raise Refusal(200, f"an answer of deployer that does not fit the contract: {error}") from error
