"""Deployments of one group share processes, as replicas number by number; all others keep to themselves."""

import pytest

from murmur_deployer.domain.replicas import Replica, Terms, free_slot
from murmur_deployer.repository import DEPLOYMENTS
from murmur_deployer.scraping import list_targets
from murmur_deployer.testing import promoted, workflow_applied
from murmur_events.deployments import ModelDeployed

MIB = 2**20


async def apply(deployer, name: str, *, revision: int = 2, **section) -> None:
    await deployer.kernel.receives(workflow_applied(name, revision=revision, **section))


async def deploy(deployer, name: str, version: int) -> None:
    state = (await deployer.version(version)).model_copy(update={"model": name, "workflow": name})
    await deployer.kernel.receives(promoted(state, alias_revision=version))
    await deployer.kernel.run_jobs()
    assert isinstance(deployer.kernel.take_published()[-1], ModelDeployed)


async def both(deployer, first: dict, second: dict) -> None:
    for name, section in (("credit", first), ("fraud", second)):
        await apply(deployer, name, **section)
        await deploy(deployer, name, 1)


async def settle(deployer) -> None:
    """Until nothing comes or goes any more."""
    for _ in range(10):
        before = await deployer.deployment()
        if not await deployer.reconcile() and await deployer.deployment() == before:
            return
        deployer.kernel.clock.advance(1)
    pytest.fail("it never came to rest")


def pid(deployer, name: str) -> int:
    return deployer.servers.processes[name].pid


async def test_replica_number_n_of_every_deployment_is_in_process_number_n(deployer) -> None:
    await both(deployer, {"group": "cards", "replicas": 2}, {"group": "cards"})
    assert pid(deployer, "credit-v1-1") == pid(deployer, "fraud-v1-1")
    assert pid(deployer, "credit-v1-1") != pid(deployer, "credit-v1-2")
    recorded = [await deployer.kernel.get(DEPLOYMENTS, name) for name in ("credit", "fraud")]
    found = {replica.name: replica.process.pid for each in recorded for replica in each.replicas}
    assert found == {name: pid(deployer, name) for name in found}
    assert deployer.router.answering == {"credit-v1-1", "credit-v1-2", "fraud-v1-1"}


@pytest.mark.parametrize("sections", [({}, {}), ({"group": "a"}, {"group": "b"}), ({"group": "a"}, {})])
async def test_without_a_group_in_common_each_has_a_process_of_its_own(deployer, sections) -> None:
    await both(deployer, *sections)
    assert pid(deployer, "credit-v1-1") != pid(deployer, "fraud-v1-1")
    deployer.servers.kill("credit-v1-1")
    assert "fraud-v1-1" in deployer.servers.processes


async def test_a_new_version_joins_the_process_of_the_old_one_which_then_leaves_it(deployer) -> None:
    await both(deployer, {"group": "cards"}, {"group": "cards"})
    process = pid(deployer, "fraud-v1-1")
    await deploy(deployer, "credit", 2)
    assert pid(deployer, "credit-v1-1") == pid(deployer, "credit-v2-2") == process
    deployer.kernel.clock.advance(1)
    await settle(deployer)
    assert set(deployer.servers.processes) == {"credit-v2-2", "fraud-v1-1"}
    assert pid(deployer, "credit-v2-2") == pid(deployer, "fraud-v1-1") == process


async def test_a_process_that_dies_takes_all_its_models_and_comes_back_once_with_all(deployer) -> None:
    await both(deployer, {"group": "cards"}, {"group": "cards"})
    before = pid(deployer, "fraud-v1-1")
    deployer.servers.kill("credit-v1-1")
    assert deployer.servers.processes == {}
    await deployer.reconcile()
    assert pid(deployer, "credit-v1-1") == pid(deployer, "fraud-v1-1") != before
    assert sorted(deployer.servers.started) == ["credit-v1-1", "credit-v1-1", "fraud-v1-1", "fraud-v1-1"]
    await settle(deployer)
    recorded = [await deployer.kernel.get(DEPLOYMENTS, name) for name in ("credit", "fraud")]
    assert [each.replicas[0].ended for each in recorded] == [1, 1]


async def test_a_process_over_its_memory_is_ended_with_all_its_models(deployer) -> None:
    limited = {"group": "cards", "limits": {"memory": "100MiB"}}
    await both(deployer, limited, limited)
    before = pid(deployer, "fraud-v1-1")
    deployer.servers.resident[before] = 100 * MIB + 1
    await deployer.reconcile()
    assert pid(deployer, "credit-v1-1") == pid(deployer, "fraud-v1-1") != before


@pytest.mark.parametrize("group", ["other", None])
async def test_another_group_or_none_moves_the_same_version_and_somebody_always_answers(deployer, group) -> None:
    await both(deployer, {"group": "cards"}, {"group": "cards"})
    await apply(deployer, "credit", revision=3, **({"group": group} if group else {}))
    for _ in range(6):
        await deployer.reconcile()
        assert {name for name in deployer.router.answering if name.startswith("credit")}
        assert deployer.router.answering <= set(deployer.servers.processes)
        deployer.kernel.clock.advance(1)
    assert set(deployer.servers.processes) == {"credit-v1-2", "fraud-v1-1"}
    assert pid(deployer, "credit-v1-2") != pid(deployer, "fraud-v1-1")
    assert deployer.kernel.take_published() == []


async def test_a_replica_that_replaces_one_of_its_version_begins_in_the_next_process(deployer) -> None:
    """Two of a version in one process would be counted together."""
    await both(deployer, {"group": "cards"}, {"group": "cards"})
    await apply(deployer, "credit", revision=3, group="cards", log=0.5)
    await settle(deployer)
    [replica] = (await deployer.deployment()).replicas
    assert (replica.name, replica.slot) == ("credit-v1-2", 1)


def test_the_smallest_process_without_the_version_is_taken() -> None:
    def replica(version: int, slot: int, group: str | None = "cards") -> Replica:
        return Replica(f"r{version}{slot}{group}", "credit", version, 1, 2, slot=slot, terms=Terms(group=group))

    taken = [replica(1, 0), replica(1, 2), replica(2, 1), replica(1, 1, "other"), replica(1, 1, None)]
    assert free_slot(taken, 1, "cards") == 1
    assert free_slot(taken, 2, "cards") == 0
    assert free_slot([], 1, "cards") == 0


async def test_prometheus_is_told_of_each_process_once(deployer) -> None:
    await both(deployer, {"group": "cards", "replicas": 2}, {"group": "cards"})
    await apply(deployer, "alone")
    await deploy(deployer, "alone", 1)

    async def targets(_: None, uow) -> list:
        return await list_targets("host", uow)

    found = await deployer.kernel.read(targets, None)
    assert sorted(group.labels["replica"] for group in found) == ["alone-v1-1", "cards-0", "cards-1"]
    assert len({group.targets[0] for group in found}) == 3
