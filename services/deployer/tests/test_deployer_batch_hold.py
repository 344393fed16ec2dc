"""A version that has begun a batch stays for it, out of the way of everybody else."""

from dataclasses import replace

import pytest

from murmur_deployer.domain.batch import Batch, BatchState, Pin, StoredFile


async def under_way(deployer, *, name: str = "b-1", version: int = 1, **more) -> Batch:
    """A batch that this version has begun."""
    now = deployer.kernel.clock.now()
    asked = Batch(name, "credit", None, StoredFile("file:///in", "0" * 64, 1), "ada", now, "c-1", None)
    batch = replace(asked.begun(Pin(version, "credit", "0" * 64), rows=10, chunk_rows=5, at=now), **more)
    await deployer.kernel.given(batch)
    return batch


async def later(deployer, seconds: float = 1) -> bool:
    deployer.kernel.clock.advance(seconds)
    return await deployer.reconciler.reconcile()


async def ended(deployer, batch: Batch) -> None:
    await deployer.kernel.given(batch.failed("cancelled", "called off", deployer.kernel.clock.now()))


async def test_the_version_stays_until_its_batch_has_ended(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    batch = await under_way(deployer)
    await deployer.deploy(2)
    assert not await later(deployer), "nothing comes or goes while it waits"
    assert {"credit-v1-2"} == {name for name in deployer.servers.processes if name.startswith("credit-v1")}
    assert deployer.router.answering == {"credit-v2-3", "credit-v2-4"}
    assert not await later(deployer, 3500)
    assert "credit-v1-2" in deployer.servers.processes
    await ended(deployer, batch)
    await later(deployer)
    assert set(deployer.servers.processes) == {"credit-v2-3", "credit-v2-4"}
    assert deployer.router.known == {"credit-v2-3", "credit-v2-4"}


async def test_it_stays_no_longer_than_the_bound(deployer) -> None:
    await deployer.deploy(1)
    await under_way(deployer)
    await deployer.deploy(2)
    await later(deployer, 3599)
    assert "credit-v1-1" in deployer.servers.processes
    await later(deployer, 2)
    assert set(deployer.servers.processes) == {"credit-v2-2"}
    assert (await deployer.deployment()).retiring == ()


async def test_it_is_kept_alive_as_long(deployer) -> None:
    await deployer.deploy(1)
    await under_way(deployer)
    await deployer.deploy(2)
    await later(deployer)
    deployer.servers.kill("credit-v1-1")
    await later(deployer)
    assert "credit-v1-1" in deployer.servers.processes
    [kept] = (await deployer.deployment()).retiring
    assert kept.process == deployer.servers.processes["credit-v1-1"]
    assert deployer.router.answering == {"credit-v2-2"}


@pytest.mark.parametrize(
    "another", [{"deployment": "fraud"}, {"version": 7}, {"state": BatchState.FAILED}, {"state": BatchState.WAITING}]
)
async def test_a_batch_of_others_or_one_that_has_ended_keeps_nobody(deployer, another) -> None:
    await deployer.deploy(1)
    await under_way(deployer, **another)
    await deployer.deploy(2)
    await later(deployer)
    assert set(deployer.servers.processes) == {"credit-v2-2"}


async def test_what_retires_of_a_version_that_serves_on_is_not_kept(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    await under_way(deployer)
    await deployer.apply(revision=3, replicas=1)
    await deployer.reconcile()
    await later(deployer)
    assert set(deployer.servers.processes) == {"credit-v1-1"}


async def test_each_version_that_has_begun_one_stays(deployer) -> None:
    for version in (1, 2, 3):
        await deployer.deploy(version)
        await under_way(deployer, name=f"b-{version}", version=version)
    await later(deployer)
    assert set(deployer.servers.processes) == {"credit-v1-1", "credit-v2-2", "credit-v3-3"}
    assert deployer.router.answering == {"credit-v3-3"}


async def test_a_batch_that_is_recorded_while_a_pass_is_under_way_keeps_its_version(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    apply = deployer.router.apply

    async def applied(table: object) -> None:
        await under_way(deployer)
        await apply(table)

    deployer.router.apply = applied
    await later(deployer)
    assert "credit-v1-1" in deployer.servers.processes
