"""What really runs is made to match what is recorded."""

from murmur_deployer.domain.replicas import ProcessId, Terms
from murmur_deployer.repository import DEPLOYMENTS


async def test_a_dead_replica_is_started_again_on_its_ports_and_its_route_stays(deployer) -> None:
    await deployer.deploy(1)
    [before] = (await deployer.deployment()).serving.replicas
    deployer.servers.kill("credit-v1-1")
    await deployer.reconciler.reconcile()
    [after] = (await deployer.deployment()).serving.replicas
    assert (after.name, after.ports) == (before.name, before.ports)
    assert after.process == deployer.servers.processes["credit-v1-1"] != before.process
    assert deployer.router.answering == {"credit-v1-1"}


async def test_a_living_replica_is_adopted_by_the_next_deployer(deployer) -> None:
    await deployer.deploy(1)
    started = list(deployer.servers.started)
    deployer.servers.processes["credit-v1-1"] = ProcessId(4711, 12.5)  # started by one who was killed before he wrote
    await deployer.reconciler.remove_strangers()
    await deployer.reconciler.reconcile()
    assert deployer.servers.started == started
    assert (await deployer.deployment()).serving.replicas[0].process == ProcessId(4711, 12.5)


async def test_a_replica_that_does_not_answer_is_replaced(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.silent.add(1)
    await deployer.reconciler.reconcile()
    assert deployer.servers.started == ["credit-v1-1", "credit-v1-1"]


async def test_a_replica_that_cannot_be_started_is_tried_again_later_not_at_once(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.kill("credit-v1-1")
    deployer.servers.corrupt.add(1)
    await deployer.reconciler.reconcile()
    await deployer.reconciler.reconcile()
    assert deployer.servers.started == ["credit-v1-1"]
    assert (await deployer.deployment()).serving.replicas[0].name == "credit-v1-1"


async def test_a_retired_replica_answers_what_it_has_begun_and_is_then_stopped(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    deployer.router.active["credit-v1-1"] = 3
    deployer.kernel.clock.advance(5)
    assert await deployer.reconciler.reconcile()
    assert "credit-v1-1" in deployer.servers.processes
    deployer.router.active["credit-v1-1"] = 0
    assert not await deployer.reconciler.reconcile()
    assert deployer.servers.names_now() == {"credit-v2-2"}
    assert (await deployer.deployment()).retiring == ()
    assert deployer.router.known == {"credit-v2-2"}


async def test_a_replica_that_has_just_retired_is_left_a_moment(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    assert await deployer.reconciler.reconcile()
    assert "credit-v1-1" in deployer.servers.processes


async def test_draining_has_an_end(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    deployer.router.active["credit-v1-1"] = 1
    deployer.kernel.clock.advance(31)
    await deployer.reconciler.reconcile()
    assert deployer.servers.names_now() == {"credit-v2-2"}


async def test_replicas_that_no_record_knows_are_removed(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.processes["fraud-v9-1"] = ProcessId(99, 1.0)
    deployer.servers.directories.add("half-made")
    await deployer.reconciler.remove_strangers()
    assert deployer.servers.names_now() == {"credit-v1-1"}


async def test_a_replica_that_a_rollout_starts_meanwhile_is_no_stranger(deployer, monkeypatch) -> None:
    """The rollout goes on between the two looks, whichever comes first."""
    await deployer.deploy(1)
    await deployer.promote(2)
    candidate = (await deployer.deployment()).with_candidate(2, [], [(8182, 8183)], Terms())
    looks = []

    async def rollout() -> None:
        looks.append("a look")
        if len(looks) == 1:
            await deployer.kernel.given(candidate)
            deployer.servers.processes["credit-v2-2"] = ProcessId(5, 1.0)

    def with_rollout_after(owner: object, name: str) -> None:
        look = getattr(owner, name)

        async def looked() -> object:
            seen = await look()
            await rollout()
            return seen

        monkeypatch.setattr(owner, name, looked)

    with_rollout_after(deployer.servers, "names")
    with_rollout_after(deployer.reconciler._fleet, "deployments")
    await deployer.reconciler.remove_strangers()
    assert len(looks) == 2
    assert "credit-v2-2" in deployer.servers.processes


async def test_routes_are_said_again_until_the_front_door_hears_them(deployer) -> None:
    await deployer.deploy(1)
    table = deployer.router.table
    deployer.router.table = type(table)((), ())  # Envoy has lost its files
    deployer.router.deaf = True
    await deployer.reconciler.reconcile()
    deployer.router.deaf = False
    await deployer.reconciler.reconcile()
    assert deployer.router.table == table


async def test_a_rollout_under_way_is_left_alone(deployer) -> None:
    await deployer.deploy(1)
    await deployer.promote(2)
    deployment = await deployer.deployment()
    candidate = deployment.with_candidate(2, [], [(8182, 8183)], Terms())
    await deployer.kernel.given(candidate)
    deployer.servers.processes["credit-v2-2"] = ProcessId(5, 1.0)
    await deployer.reconciler.remove_strangers()
    await deployer.reconciler.reconcile()
    assert (await deployer.kernel.get(DEPLOYMENTS, "credit")).candidate == candidate.candidate
    assert "credit-v2-2" in deployer.servers.processes
