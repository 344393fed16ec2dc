"""Model servers as processes of this machine: one directory and two ports a replica, which has a process and its log
for itself, or shares them with others of its group."""

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import httpx

from murmur_access import BrokerAccess
from murmur_deployer.disks import room_for
from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.local.groups import Groups
from murmur_deployer.local.metering import counts_in
from murmur_deployer.local.processes import Processes
from murmur_deployer.ports import Artifacts, ProbeRefused
from murmur_deployer.turns import Turn
from murmur_events.models import VersionState
from murmur_kernel.errors import ArtifactError, Transient
from murmur_serving.config import PROBE_HEADER, REFERENCE_FILE, Ports, ReplicaConfig, read_replica, write_replica

_MODULE = ("-m", "murmur_serving")
_STOP_PATIENCE = 15.0
"""Seconds to answer what was begun and to ship the prediction log; what is left of the log, its successor ships."""
_LAST_LINES = 12
_LAST_BYTES = 16_384


class LocalModelServers:
    """Implements ModelServers with `python -m murmur_serving <directory>`, and `murmur_serving.group` for groups."""

    def __init__(
        self,
        artifacts: Artifacts,
        http: httpx.AsyncClient,
        *,
        replicas: Path,
        predictions: Path,
        logs: Path,
        brokers: BrokerAccess | None,
        tokens: Path | None = None,
        host: str,
        ports: range,
        turns: Callable[[str], Turn],
    ) -> None:
        self._artifacts = artifacts
        self._http = http
        self._replicas = replicas
        self._predictions = predictions
        self._logs = logs
        self._brokers = brokers
        self._tokens = tokens
        self._host = host
        self._ports = ports
        self._processes = Processes()
        self._groups = Groups(self._processes, groups=replicas.with_name("groups"), logs=logs, turns=turns)

    async def start(self, replica: Replica, state: VersionState) -> ProcessId:
        with room_for(f"replica {replica.name!r}"):
            return await self._start(replica, state)

    async def _start(self, replica: Replica, state: VersionState) -> ProcessId:
        directory = self._directory(replica)
        directory.mkdir(parents=True, exist_ok=True)
        config = self._config(replica, state)
        try:
            await self._artifacts.fetch(state.artifacts.model, directory / config.model_file)
        except ArtifactError:
            shutil.rmtree(directory)
            raise
        with contextlib.suppress(ArtifactError):  # without it XGBoost serves, and the replica's log says why
            await self._artifacts.fetch(state.artifacts.reference, directory / REFERENCE_FILE)
        write_replica(directory, config, Ports(host=self._host, http=replica.http_port, grpc=replica.grpc_port))
        if replica.terms.group is not None:
            return await self._groups.join(replica, directory)
        return self._processes.start(
            [sys.executable, *_MODULE, str(directory)],
            environment={"OMP_NUM_THREADS": "1"},
            log=self._log(replica),
            nice=replica.terms.nice,
        )

    def _config(self, replica: Replica, state: VersionState) -> ReplicaConfig:
        return ReplicaConfig(
            deployment=replica.deployment,
            replica=replica.name,
            model=state.model,
            version=state.version,
            sha256=state.artifacts.model.sha256,
            format=state.artifacts.format,
            signature=state.artifacts.signature,
            log_directory=self._predictions / replica.deployment,
            logged=replica.terms.logged,
            shard=replica.shard,
            brokers=self._brokers,
            tokens=self._tokens,
            conversions=self._replicas.with_name("conversions"),
        )

    async def find(self, replica: Replica) -> ProcessId | None:
        if replica.terms.group is not None:
            return await self._groups.find(replica)
        if replica.process is not None and self._processes.alive(replica.process):
            return replica.process
        running = await asyncio.to_thread(self._processes.running, _MODULE)
        return running.get(str(self._directory(replica)))

    async def counts(self, replica: Replica) -> Counts | None:
        try:
            answer = await self._http.get(f"http://{self._host}:{replica.http_port}/metrics")
            return counts_in(answer.text, deployment=replica.deployment, version=replica.version)
        except (httpx.TransportError, ValueError):
            return None

    async def memory(self, process: ProcessId) -> int:
        return self._processes.memory(process)

    async def ready(self, replica: Replica) -> bool:
        try:
            answer = await self._http.get(f"{self._url(replica)}/ready")
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    async def probe(self, replica: Replica, request: dict[str, Any]) -> tuple[float, ...]:
        try:
            mark = read_replica(self._directory(replica)).mark
            answer = await self._http.post(f"{self._url(replica)}/infer", json=request, headers={PROBE_HEADER: mark})
            if answer.status_code != 200:
                raise ProbeRefused(answer.text)
            return tuple(map(float, answer.json()["outputs"][0]["data"]))
        except (httpx.TransportError, OSError, ValueError, LookupError, TypeError) as error:
            raise ProbeRefused(f"{type(error).__name__}: {error}") from error

    async def stop(self, replica: Replica) -> None:
        process = await self.find(replica) if replica.terms.group is None else None
        if process is not None:
            await self._processes.end(process, patience=_STOP_PATIENCE)
        else:
            await self._groups.leave(replica, patience=_STOP_PATIENCE)
        await asyncio.to_thread(shutil.rmtree, self._directory(replica), ignore_errors=True)

    async def end(self, process: ProcessId) -> None:
        await self._processes.end(process, patience=_STOP_PATIENCE)

    async def last_words(self, replica: Replica) -> str:
        try:
            with self._log(replica).open("rb") as file:
                file.seek(max(0, self._log(replica).stat().st_size - _LAST_BYTES))
                lines = file.read().decode(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return "(it wrote no log)"
        its = lines if replica.terms.group is None else [line for line in lines if f'"{replica.name}"' in line]
        return "\n".join((its or lines)[-_LAST_LINES:]) or "(it wrote nothing)"

    async def names(self) -> set[str]:
        running = await asyncio.to_thread(self._processes.running, _MODULE)
        ours = {Path(directory).name for directory in running if Path(directory).parent == self._replicas}
        ours |= await self._groups.names()
        return ours | {path.name for path in self._replicas.glob("*") if path.is_dir()}

    def choose_ports(self, in_use: Collection[int], *, rather: tuple[int, int] | None = None) -> tuple[int, int]:
        pairs = [(http, http + 1) for http in self._ports[::2] if http + 1 in self._ports]
        if rather in pairs:
            pairs.insert(0, rather)
        for pair in pairs:
            if not any(port in in_use or self._taken(port) for port in pair):
                return pair
        raise Transient(
            f"no two free ports are left in {self._ports.start} to {self._ports.stop - 1} for a model server:"
            f" end what else listens there, or start the flock on another MURMUR_PORT"
        )

    def _taken(self, port: int) -> bool:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self._host, port))
            except OSError:
                return True
        return False

    def _url(self, replica: Replica) -> str:
        """With the version: whoever else listens on that port by mistake does not know it."""
        return f"http://{self._host}:{replica.http_port}/v2/models/{replica.deployment}/versions/{replica.version}"

    def _directory(self, replica: Replica) -> Path:
        return self._replicas / replica.name

    def _log(self, replica: Replica) -> Path:
        if replica.terms.group is not None:
            return self._groups.log(replica)
        return self._logs / f"{replica.name}.log"
