"""How replicas are cared for while others of them are mute, too large, or take their time to end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from murmur_deployer.domain.replicas import Terms
from murmur_deployer.testing import FakeModelServers, FakeRouter

MEMORY = 100 * 2**20


@pytest.fixture
async def patient(real_deployer) -> AsyncIterator:
    """A deployer that gives mute replicas time."""
    harness = real_deployer(FakeModelServers(), FakeRouter())
    async with harness.kernel:
        yield harness


async def test_replicas_over_their_memory_are_started_anew_one_after_the_other(patient) -> None:
    await patient.apply(replicas=3, limits={"memory": "100MiB"})
    await patient.deploy(1)
    mute: set[str] = set()
    patient.servers.ready = _but(mute, patient.servers.ready)
    for replica in (await patient.deployment()).serving.replicas:
        patient.servers.resident[replica.process.pid] = MEMORY + 1
    started = list(patient.servers.started)
    for number in (1, 2, 3):
        name = f"credit-v1-{number}"
        await patient.reconcile()
        started.append(name)
        mute.add(name)  # until it is loaded
        await patient.reconcile()
        await patient.reconcile()
        assert patient.servers.started == started
        mute.clear()
    await patient.reconcile()
    assert patient.servers.started == started


async def test_the_only_replica_over_its_memory_is_started_anew_at_once(patient) -> None:
    await patient.apply(limits={"memory": "100MiB"})
    await patient.deploy(1)
    [replica] = (await patient.deployment()).serving.replicas
    patient.servers.resident[replica.process.pid] = MEMORY + 1
    await patient.reconcile()
    assert patient.servers.started == ["credit-v1-1", "credit-v1-1"]


async def test_too_large_a_replica_waits_for_others_that_do_not_come_back_for_a_while_only(patient) -> None:
    await patient.apply(replicas=2, limits={"memory": "100MiB"})
    await patient.deploy(1)
    first, second = (await patient.deployment()).serving.replicas
    patient.servers.ready = _but({first.name}, patient.servers.ready)
    patient.servers.resident[second.process.pid] = MEMORY + 1
    await patient.reconcile()
    assert patient.servers.started.count(second.name) == 1
    patient.reconciler._keeper._patience = 0.0
    await patient.reconcile()
    assert patient.servers.started.count(second.name) == 2


async def test_a_slow_end_keeps_nobody_waiting(patient) -> None:
    """Version 1 retires and takes its time; meanwhile version 2 dies and is back, and is looked after as ever."""
    await patient.apply()
    await patient.deploy(1)
    await patient.deploy(2)
    stop, ended = patient.servers.stop, asyncio.Event()

    async def slowly(replica) -> None:
        if replica.version == 1:
            await ended.wait()
        await stop(replica)

    patient.servers.stop = slowly
    patient.kernel.clock.advance(1)
    assert await _at_once(patient.reconciler.reconcile())
    patient.servers.kill("credit-v2-2")
    assert await _at_once(patient.reconciler.reconcile())
    assert set(patient.servers.processes) == {"credit-v1-1", "credit-v2-2"}
    assert [replica.name for replica in (await patient.deployment()).retiring] == ["credit-v1-1"]
    ended.set()
    assert not await _at_once(patient.reconciler.reconcile())
    assert set(patient.servers.processes) == {"credit-v2-2"}


async def test_a_mute_replica_that_does_not_end_keeps_nobody_waiting(patient) -> None:
    await patient.apply(replicas=2)
    await patient.deploy(1)
    mute, dead = (await patient.deployment()).serving.replicas
    patient.servers.ready = _but({mute.name}, patient.servers.ready)
    end, ended = patient.servers.end, asyncio.Event()

    async def slowly(process) -> None:
        await ended.wait()
        await end(process)

    patient.servers.end = slowly
    patient.reconciler._keeper._patience = 0.0
    await _at_once(patient.reconciler.reconcile())
    patient.servers.kill(dead.name)
    await _at_once(patient.reconciler.reconcile())
    assert patient.servers.started == [mute.name, dead.name, dead.name]
    ended.set()
    await asyncio.sleep(0)
    await _at_once(patient.reconciler.reconcile())
    assert patient.servers.started == [mute.name, dead.name, dead.name, mute.name]


async def test_a_mute_replica_that_another_deployer_has_started_anew_is_left_alone(patient) -> None:
    await patient.apply()
    await patient.deploy(1)
    [replica] = (await patient.deployment()).serving.replicas
    mute = {replica.name}
    patient.servers.ready = _but(mute, patient.servers.ready)
    ended = asyncio.Event()

    async def end(process) -> None:
        await ended.wait()

    patient.servers.end = end
    patient.reconciler._keeper._patience = 0.0
    await _at_once(patient.reconciler.reconcile())
    other = replace(replica.process, pid=4711)
    patient.servers.processes[replica.name] = other
    mute.clear()
    ended.set()
    await _at_once(patient.reconciler.reconcile())
    assert patient.servers.started == [replica.name]
    assert (await patient.deployment()).serving.replicas[0].process == other


async def test_replicas_that_come_choose_no_ports_that_a_rollout_has_chosen_meanwhile(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, replicas=2)
    await deployer.scaler.look()
    fleet, switching = deployer.reconciler._fleet, deployer.reconciler._switching
    deployments, looks = fleet.deployments, []

    async def and_then_a_rollout_chooses():
        found = await deployments()
        if not switching.locked():
            looks.append("a look")
        if len(looks) > 1 and not switching.locked():
            mine = found[0]
            other = replace(mine, name="fraud", serving=None, candidate=None, retiring=())
            ports = deployer.servers.choose_ports(set(mine.replicas[0].ports))
            await deployer.kernel.given(other.with_candidate(1, [], [ports], Terms()))
        return found

    fleet.deployments = and_then_a_rollout_chooses
    await deployer.reconciler.reconcile()
    fleet.deployments = deployments
    ports = [port for each in await deployments() for replica in each.replicas for port in replica.ports]
    assert len(ports) == len(set(ports)) >= 4


def _but(mute: set[str], ready):
    async def looked(replica) -> bool:
        return replica.name not in mute and await ready(replica)

    return looked


async def _at_once(passing) -> bool:
    async with asyncio.timeout(10):
        return await passing
