"""Fakes of the deployer's ports, held to the same contract as the real ones, and facts to test with."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.domain.routing import RoutingTable
from murmur_deployer.domain.traffic import Traffic
from murmur_deployer.ports import ProbeRefused, RouteNotApplied
from murmur_events.base import ModelName, RunId, WorkflowName
from murmur_events.models import Alias, ModelPromoted, VersionState
from murmur_events.values import Artifact, ColumnSpec, DatasetRef, ModelArtifacts, Signature
from murmur_events.workflows import DataSection, WorkflowApplied, WorkflowDefinition
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import ArtifactCorrupt

PROBE = {"request": {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1.0]}]}, "outputs": [0.25]}


async def version_state(
    artifacts: ArtifactStore,
    *,
    version: int,
    model: bytes = b"a model",
    probe: dict[str, Any] | None = None,
    signature: Signature | None = None,
) -> VersionState:
    """A version of the model `credit` whose artifacts exist."""
    stored = await artifacts.put_bytes(model + b" " * version if model == b"a model" else model)
    nothing = Artifact(uri="file:///nowhere", sha256="0" * 64, size=0)
    return VersionState(
        model=ModelName("credit"),
        version=version,
        workflow=WorkflowName("credit"),
        revision=1,
        run_id=RunId(f"run-{version}"),
        artifacts=ModelArtifacts(
            model=stored,
            signature=signature or Signature(inputs=(ColumnSpec(name="x"),)),
            probe=await artifacts.put_bytes(json.dumps(probe or PROBE).encode()),
            reference=nothing,
            dataset=DatasetRef(
                name="credit",
                digest="0" * 64,
                train=nothing,
                holdout=nothing,
                train_rows=0,
                holdout_rows=0,
                as_of="2005-10-01",
            ),
        ),
        metrics={},
    )


def workflow_applied(
    name: str = "credit", *, revision: int = 1, monitoring: dict[str, Any] | None = None, **deployment: Any
) -> WorkflowApplied:
    """The sections `deployment` and `monitoring` as people write them."""
    return WorkflowApplied(
        workflow=WorkflowName(name),
        revision=revision,
        definition=WorkflowDefinition.model_validate(
            {
                "name": name,
                "data": DataSection(target="bad", features=("x",), identity="id", period="month"),
                "deployment": deployment,
                "monitoring": monitoring or {},
            }
        ),
        code=Artifact(uri="file:///nowhere", sha256="0" * 64, size=0),
    )


def promoted(state: VersionState, *, alias_revision: int, alias: Alias = "production") -> ModelPromoted:
    return ModelPromoted(
        model=state.model,
        version=state.version,
        alias=alias,
        alias_revision=alias_revision,
        state=state,
        by="ann",
        reason="better",
    )


@dataclass
class FakeModelServers:
    """Replicas in memory. `outputs` is what they answer; the sets hold versions that misbehave; `resident` is what
    each process keeps in memory. Those of one slot of a group have one process.
    """

    outputs: tuple[float, ...] = (0.25,)
    corrupt: set[int] = field(default_factory=set)
    dying: set[int] = field(default_factory=set)
    refusing: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)
    processes: dict[str, ProcessId] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)
    shared: dict[tuple[str, int], ProcessId] = field(default_factory=dict)
    resident: dict[int, int] = field(default_factory=dict)
    counted: dict[str, Counts] = field(default_factory=dict)

    async def start(self, replica: Replica, state: VersionState) -> ProcessId:
        if state.version in self.corrupt:
            raise ArtifactCorrupt(state.artifacts.model.uri, state.artifacts.model.sha256, "f" * 64)
        self.started.append(replica.name)
        process = ProcessId(1000 + len(self.started), float(len(self.started)))
        if replica.terms.group is not None:
            shared = (replica.terms.group, replica.slot)
            if self.shared.get(shared) not in self.processes.values():
                self.shared[shared] = process
            process = self.shared[shared]
        self.directories.add(replica.name)
        if state.version not in self.dying:
            self.processes[replica.name] = process
        return process

    async def find(self, replica: Replica) -> ProcessId | None:
        return self.processes.get(replica.name)

    async def counts(self, replica: Replica) -> Counts | None:
        return self.counted.get(replica.name) if replica.name in self.processes else None

    async def memory(self, process: ProcessId) -> int:
        return self.resident.get(process.pid, 0)

    async def ready(self, replica: Replica) -> bool:
        return replica.name in self.processes and replica.version not in self.silent

    async def probe(self, replica: Replica, request: dict[str, Any]) -> tuple[float, ...]:
        if replica.version in self.refusing:
            raise ProbeRefused('{"error": "no"}')
        return self.outputs

    async def stop(self, replica: Replica) -> None:
        self.processes.pop(replica.name, None)
        self.directories.discard(replica.name)

    async def end(self, process: ProcessId) -> None:
        self.processes = {name: each for name, each in self.processes.items() if each != process}

    async def last_words(self, replica: Replica) -> str:
        return "the model file was changed"

    async def names(self) -> set[str]:
        return self.names_now()

    def names_now(self) -> set[str]:
        return set(self.processes) | self.directories

    def choose_ports(self, in_use: Collection[int], *, rather: tuple[int, int] | None = None) -> tuple[int, int]:
        if rather is not None:
            return rather
        http = next(port for port in range(8180, 8280, 2) if not {port, port + 1} & set(in_use))
        return http, http + 1

    def kill(self, name: str) -> None:
        """As `kill -9` would, with all that are in its process: directories stay."""
        killed = self.processes[name]
        self.processes = {name: process for name, process in self.processes.items() if process != killed}


@dataclass
class FakeRouter:
    """Routes in memory; `deaf` refuses every table."""

    table: RoutingTable = field(default_factory=RoutingTable)
    applied: list[RoutingTable] = field(default_factory=list)
    active: dict[str, int] = field(default_factory=dict)
    counted: dict[str, Traffic] = field(default_factory=dict)
    deaf: bool = False

    async def apply(self, table: RoutingTable) -> None:
        if self.deaf:
            raise RouteNotApplied("Envoy does not answer")
        if table != self.table:
            self.table = table
            self.applied.append(table)

    async def traffic(self) -> dict[str, Traffic]:
        return dict(self.counted)

    async def active_requests(self, replica: Replica) -> int | None:
        return self.active.get(replica.name, 0)

    @property
    def routes(self) -> dict[str, str]:
        """Deployment -> the pool that answers."""
        return {route.deployment: route.pool for route in self.table.routes}

    @property
    def answering(self) -> set[str]:
        """Replicas that get new requests, and give answers that people get."""
        canaries = {route.canary.pool for route in self.table.routes if route.canary and route.canary.weight}
        return {
            endpoint.name
            for pool in self.table.pools
            for endpoint in pool.endpoints
            if pool.name in {*self.routes.values(), *canaries} and not endpoint.draining
        }

    @property
    def known(self) -> set[str]:
        """Replicas that may still be answering."""
        return {endpoint.name for pool in self.table.pools for endpoint in pool.endpoints}
