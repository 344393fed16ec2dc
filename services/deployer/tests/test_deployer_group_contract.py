"""Model servers that share processes, real ones and the fake: the same promises."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from murmur_deployer.domain.replicas import Replica, Terms
from murmur_deployer.local.groups import Groups
from murmur_deployer.local.processes import Processes
from murmur_deployer.ports import ModelServers
from murmur_deployer.testing import PROBE, FakeModelServers, version_state
from murmur_deployer.turns import Turns
from murmur_events.models import VersionState
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import eventually

REAL = pytest.param("real", marks=pytest.mark.flock)
TERMS = Terms(group="cards")


class Machine:
    """Real or not: model servers, and versions that they can serve."""

    def __init__(self, servers: ModelServers, artifacts: ArtifactStore, trained: Callable) -> None:
        self.servers = servers
        self.real = not isinstance(servers, FakeModelServers)
        self._artifacts = artifacts
        self._trained = trained
        self._ports: set[int] = set()

    async def state(self, deployment: str, version: int, *, model: bytes | None = None) -> VersionState:
        if self.real:
            found = self._trained(version)
            more = {"model": model or found.model, "signature": found.signature, "probe": found.probe}
        else:
            more = {}
        state = await version_state(self._artifacts, version=version, **more)
        return state.model_copy(update={"model": deployment, "workflow": deployment})

    def replica(self, deployment: str, version: int, **more) -> Replica:
        ports = self.servers.choose_ports(self._ports)
        self._ports |= set(ports)
        return Replica(f"{deployment}-v{version}-1", deployment, version, *ports, **({"terms": TERMS} | more))

    async def started(self, replica: Replica) -> Replica:
        process = await self.servers.start(replica, await self.state(replica.deployment, replica.version))
        return replace(replica, process=process)

    async def answers(self, replica: Replica) -> None:
        await eventually(lambda: self.servers.ready(replica), within=60)
        probe = self._trained(replica.version).probe if self.real else PROBE
        assert await self.servers.probe(replica, probe["request"]) == pytest.approx(probe["outputs"], abs=1e-6)
        assert await self.servers.find(replica) == replica.process

    def kill(self, replica: Replica) -> None:
        if isinstance(self.servers, FakeModelServers):
            self.servers.kill(replica.name)
        else:
            os.kill(replica.process.pid, signal.SIGKILL)


@pytest.fixture(params=["fake", REAL])
def machine(request: pytest.FixtureRequest, artifacts: ArtifactStore, trained) -> Machine:
    servers = FakeModelServers() if request.param == "fake" else request.getfixturevalue("local_servers")()
    return Machine(servers, artifacts, trained)


async def test_replicas_share_a_process_by_group_and_number_and_leave_it_one_by_one(
    request: pytest.FixtureRequest, machine: Machine
) -> None:
    servers = machine.servers
    credit, fraud, newer = [
        await machine.started(machine.replica(*each)) for each in (("credit", 1), ("fraud", 1), ("credit", 2))
    ]
    second = await machine.started(machine.replica("other", 1, slot=1))
    alone = await machine.started(machine.replica("alone", 1, terms=Terms()))
    assert credit.process == fraud.process == newer.process
    assert len({credit.process, second.process, alone.process}) == 3
    for each in (credit, fraud, newer, second, alone):
        await machine.answers(each)
    next_deployer = request.getfixturevalue("local_servers")() if machine.real else servers
    assert await next_deployer.find(replace(fraud, process=None)) == fraud.process
    assert await next_deployer.names() == {each.name for each in (credit, fraud, newer, second, alone)}

    await servers.stop(credit)
    assert await servers.find(credit) is None
    assert not await servers.ready(credit)
    for each in (fraud, newer, second, alone):
        await machine.answers(each)
    await next_deployer.stop(newer)
    await machine.answers(fraud)
    await next_deployer.stop(Replica(fraud.name, "", 0, 0, 0))  # as a stranger, of whom the name alone is known
    assert await servers.find(fraud) is None
    assert await servers.memory(fraud.process) == 0
    await machine.answers(second)
    await servers.stop(second)
    await servers.stop(alone)
    assert await servers.names() == set()


async def test_of_a_process_that_is_gone_each_comes_back_when_it_is_started(machine: Machine) -> None:
    servers = machine.servers
    credit, fraud = [await machine.started(machine.replica(name, 1)) for name in ("credit", "fraud")]
    for each in (credit, fraud):
        await machine.answers(each)
    machine.kill(credit)
    await eventually(lambda: _is_gone(servers, fraud))
    assert await servers.find(credit) is None
    again = await machine.started(credit)
    await machine.answers(again)
    assert await servers.find(fraud) is None
    with_it = await machine.started(fraud)
    assert with_it.process == again.process != credit.process
    await machine.answers(with_it)

    await servers.end(again.process)
    assert [await servers.find(each) for each in (again, with_it)] == [None, None]


async def test_one_that_cannot_serve_is_gone_and_its_neighbour_stays(machine: Machine) -> None:
    servers = machine.servers
    credit = await machine.started(machine.replica("credit", 1))
    await machine.answers(credit)
    if isinstance(servers, FakeModelServers):
        servers.dying.add(2)
    broken = machine.replica("fraud", 2)
    process = await servers.start(broken, await machine.state("fraud", 2, model=b"no model"))
    await eventually(lambda: _is_gone(servers, replace(broken, process=process)), within=60)
    assert "model" in await servers.last_words(broken)
    await machine.answers(credit)
    await servers.stop(broken)
    await machine.answers(credit)
    await servers.stop(credit)
    assert await servers.names() == set()


async def _is_gone(servers: ModelServers, replica: Replica) -> bool:
    return await servers.find(replica) is None


@pytest.mark.flock
async def test_a_process_that_hangs_lets_nobody_go_and_is_ended(
    local_servers: Callable[[], ModelServers], artifacts: ArtifactStore, trained, tmp_path: Path
) -> None:
    machine = Machine(local_servers(), artifacts, trained)
    credit = await machine.started(machine.replica("credit", 1))
    await machine.answers(credit)
    os.kill(credit.process.pid, signal.SIGSTOP)
    home = tmp_path / "flock"
    groups = Groups(Processes(), groups=home / "groups", logs=home / "logs", turns=Turns(home / "turns"))
    await groups.leave(credit, patience=0.2)
    assert await machine.servers.memory(credit.process) == 0
    assert await groups.names() == set()


async def test_a_process_in_which_nobody_is_has_a_name_to_be_ended_by(tmp_path: Path) -> None:
    """As when a deployer was killed between the last one's leaving and the end of the process."""
    groups = Groups(Processes(), groups=tmp_path / "groups", logs=tmp_path, turns=Turns(tmp_path / "turns"))
    (tmp_path / "groups" / "cards-0").mkdir(parents=True)
    [name] = await groups.names()
    await groups.leave(Replica(name, "", 0, 0, 0), patience=1)
    assert await groups.names() == set()
