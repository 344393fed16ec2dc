"""A version is served by as many replicas as its workflow wants, however that changes."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmur_deployer.domain.deployment import Deployment, Target
from murmur_deployer.domain.replicas import ProcessId, Replica, ServedVersion, Terms
from murmur_deployer.domain.routing import Endpoint, routing_table
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.domain.sizing import change
from murmur_deployer.repository import DEPLOYMENTS, RULES
from murmur_deployer.testing import promoted, workflow_applied
from murmur_events.deployments import DeploymentFailed, ModelDeployed
from murmur_events.troubles import TroubleReported
from murmur_kernel.consuming import Park
from murmur_kernel.errors import Transient


async def serving(deployer):
    return [replica.name for replica in (await deployer.deployment()).serving.replicas]


async def test_a_version_is_served_by_as_many_replicas_as_its_workflow_wants(deployer) -> None:
    await deployer.apply(revision=2, replicas=3)
    [fact] = await deployer.deploy(1)
    assert isinstance(fact, ModelDeployed)
    assert (fact.replica, fact.replicas) == ("credit-v1-1", ("credit-v1-1", "credit-v1-2", "credit-v1-3"))
    assert deployer.router.answering == set(fact.replicas)
    [pool] = deployer.router.table.pools
    assert len({endpoint.port for endpoint in pool.endpoints}) == 3


async def test_no_two_living_replicas_share_a_shard_of_the_prediction_log(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    await deployer.deploy(2)
    shards = [replica.shard for replica in (await deployer.deployment()).replicas]
    assert sorted(shards) == [0, 1, 2, 3]


async def test_a_version_that_cannot_serve_costs_one_process_not_all(deployer) -> None:
    await deployer.apply(revision=2, replicas=3)
    deployer.servers.refusing.add(1)
    [fact] = await deployer.deploy(1)
    assert isinstance(fact, DeploymentFailed)
    assert deployer.servers.started == ["credit-v1-1"]
    assert deployer.servers.names_now() == set()


async def test_of_a_crashed_rollout_the_living_replicas_are_taken_up_and_the_dead_replaced(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    deployer.router.apply, apply = _crash, deployer.router.apply
    await deployer.promote(1)
    await deployer.kernel.run_jobs()
    deployer.servers.kill("credit-v1-1")
    deployer.router.apply = apply
    deployer.kernel.clock.advance(60)
    await deployer.kernel.run_jobs()
    assert await serving(deployer) == ["credit-v1-2", "credit-v1-3"]
    assert deployer.servers.names_now() == {"credit-v1-2", "credit-v1-3"}


async def test_more_replicas_are_led_to_once_they_are_proven(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, replicas=2)
    await deployer.reconcile()
    assert await serving(deployer) == ["credit-v1-1", "credit-v1-2"]
    assert deployer.router.answering == {"credit-v1-1"}
    await _settle(deployer)
    assert deployer.router.answering == {"credit-v1-1", "credit-v1-2"}
    assert deployer.servers.started == ["credit-v1-1", "credit-v1-2"]


async def test_a_replica_that_answers_wrongly_is_never_led_to(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.outputs = (0.26,)
    await deployer.apply(revision=2, replicas=2)
    for _ in range(3):
        await deployer.reconcile()
    assert deployer.router.answering == {"credit-v1-1"}


async def test_fewer_replicas_are_drained_before_they_end(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    await deployer.apply(revision=3, replicas=1)
    deployer.router.active["credit-v1-2"] = 1
    await deployer.reconcile()
    assert (deployer.router.answering, deployer.router.known) == ({"credit-v1-1"}, {"credit-v1-1", "credit-v1-2"})
    deployer.kernel.clock.advance(5)
    await deployer.reconcile()
    assert "credit-v1-2" in deployer.servers.processes
    deployer.router.active["credit-v1-2"] = 0
    await deployer.reconcile()
    assert deployer.servers.names_now() == deployer.router.known == {"credit-v1-1"}


async def test_a_replica_is_not_ended_while_the_front_door_may_still_lead_to_it(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    await deployer.apply(revision=3, replicas=1)
    deployer.router.deaf = True
    await deployer.reconcile()
    for _ in range(3):
        deployer.kernel.clock.advance(20)
        await deployer.reconcile()
        assert "credit-v1-2" in deployer.servers.processes
    troubles = [event for event in deployer.kernel.take_published() if isinstance(event, TroubleReported)]
    assert [(each.state, each.about, each.title) for each in troubles] == [
        ("began", "credit", "the front door takes no new routes for credit")
    ]
    deployer.router.deaf = False
    deployer.router.active["credit-v1-2"] = 1
    await deployer.reconcile()
    deployer.kernel.clock.advance(29)
    await deployer.reconcile()
    assert "credit-v1-2" in deployer.servers.processes, "it is drained from the moment when nobody is led to it"
    deployer.kernel.clock.advance(2)
    await deployer.reconcile()
    assert "credit-v1-2" not in deployer.servers.processes
    assert [each.state for each in deployer.kernel.take_published() if isinstance(each, TroubleReported)] == ["ended"]


async def test_a_replica_that_the_front_door_may_lead_to_is_not_kept_for_ever(deployer) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    await deployer.apply(revision=3, replicas=1)
    deployer.router.deaf = True
    await deployer.reconcile()
    deployer.kernel.clock.advance(3601)
    await deployer.reconcile()
    assert "credit-v1-2" not in deployer.servers.processes


async def test_a_replica_is_drained_for_as_long_as_an_answer_may_take(deployer) -> None:
    await deployer.apply(revision=2, replicas=2, timeout="2m")
    await deployer.deploy(1)
    deployer.router.active["credit-v1-2"] = 1
    await deployer.apply(revision=3, replicas=1, timeout="2m")
    await deployer.reconcile()
    deployer.kernel.clock.advance(119)
    await deployer.reconcile()
    assert "credit-v1-2" in deployer.servers.processes
    deployer.kernel.clock.advance(2)
    await deployer.reconcile()
    assert "credit-v1-2" not in deployer.servers.processes


async def test_what_a_replica_is_told_at_its_start_changes_by_replacing_it(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, log=0.1)
    await _settle(deployer)
    assert await serving(deployer) == ["credit-v1-2"]
    assert (await deployer.deployment()).serving.replicas[0].terms == Terms(logged=0.1)
    assert all("credit-v1" in {route.pool for route in table.routes} for table in deployer.router.applied)


async def test_a_limit_of_the_front_door_changes_without_a_new_replica(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, rate_limit=50, timeout="2s")
    await _settle(deployer)
    [route] = deployer.router.table.routes
    assert (route.rate_limit, route.timeout) == (50, 2)
    assert deployer.servers.started == ["credit-v1-1"]


async def test_a_replica_over_its_memory_is_started_anew(deployer) -> None:
    await deployer.apply(revision=2, limits={"memory": "100MiB"})
    await deployer.deploy(1)
    [replica] = (await deployer.deployment()).serving.replicas
    deployer.servers.resident[replica.process.pid] = 100 * 2**20
    await deployer.reconcile()
    assert deployer.servers.started == ["credit-v1-1"]
    deployer.servers.resident[replica.process.pid] += 1
    await deployer.reconcile()
    assert deployer.servers.started == ["credit-v1-1", "credit-v1-1"]


async def test_what_the_machine_has_no_room_for_is_tried_again(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, replicas=2)
    deployer.servers.choose_ports, choose_ports = _no_ports, deployer.servers.choose_ports
    await deployer.reconcile()
    assert await serving(deployer) == ["credit-v1-1"]
    deployer.servers.choose_ports = choose_ports
    await _settle(deployer)
    assert deployer.router.answering == {"credit-v1-1", "credit-v1-2"}


async def test_a_promotion_waits_until_it_is_known_how_its_workflow_wants_to_be_served(deployer) -> None:
    state = (await deployer.version(1)).model_copy(update={"model": "fraud", "workflow": "fraud"})
    assert await deployer.kernel.receives(promoted(state, alias_revision=1)) == Park("deployment-rules/fraud")
    await deployer.kernel.receives(workflow_applied("fraud", replicas=2))
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.published
    assert fact.replicas == ("fraud-v1-1", "fraud-v1-2")


async def test_an_older_revision_of_the_workflow_changes_nothing(deployer) -> None:
    await deployer.apply(revision=3, replicas=2)
    await deployer.apply(revision=2, replicas=5)
    assert (await deployer.kernel.get(RULES, "credit")).replicas == 2


def test_what_was_kept_of_one_replica_is_read_as_a_version_with_one() -> None:
    one = Replica("credit-v1-1", "credit", 1, 8180, 8181, ProcessId(7, 1.5))
    now = Deployment("credit", Target(2, 2), serving=ServedVersion(1, (replace(one, proven=True),)))
    old = json.loads(DEPLOYMENTS.dump(now))
    kept = {"name": one.name, "deployment": "credit", "version": 1, "http_port": 8180, "grpc_port": 8181}
    old |= {"serving": {**kept, "process": {"pid": 7, "created": 1.5}, "retired_at": None}}
    assert DEPLOYMENTS.load(json.dumps(old, separators=(",", ":"))) == now


def test_replicas_of_a_version_that_retire_one_by_one_are_draining_and_those_of_a_replaced_version_are_not() -> None:
    first, second, old = (
        Replica(f"credit-{name}", "credit", version, port, port + 1, proven=True)
        for name, version, port in (("a", 2, 10), ("b", 2, 20), ("old", 1, 30))
    )
    deployment = Deployment("credit", Target(2, 2), serving=ServedVersion(2, (first,)), retiring=(second, old))
    table = routing_table([deployment], {"credit": DeploymentRules(workflow="credit", max_replicas=4)})
    assert {pool.name: pool.endpoints for pool in table.pools} == {
        "credit-v1": (Endpoint("credit-old", 30),),
        "credit-v2": (Endpoint("credit-a", 10), Endpoint("credit-b", 20, draining=True)),
    }
    assert [pool.most for pool in table.pools] == [4, 4]


_REPLICAS = st.lists(st.tuples(st.booleans(), st.sampled_from([Terms(), Terms(logged=0.5)])), max_size=6)


@given(_REPLICAS, st.integers(1, 5), st.data())
@settings(max_examples=200, deadline=None)
def test_any_set_of_replicas_becomes_what_is_wanted_and_answers_all_the_while(replicas, wanted, data) -> None:
    """Replicas are proven in any order, as they please."""
    served = ServedVersion(
        1,
        tuple(
            Replica(f"r{number}", "credit", 1, number, number, proven=proven, terms=terms)
            for number, (proven, terms) in enumerate(replicas)
        ),
    )
    made = len(replicas)
    for _ in range(40):
        least = min(wanted, len(served.proven))
        step = change(served, wanted, Terms())
        served = served.without([replica.name for replica in step.retire])
        new = tuple(Replica(f"r{made + number}", "credit", 1, 0, 0) for number in range(step.start))
        made += step.start
        served = ServedVersion(1, (*served.replicas, *new))
        assert len(served.proven) >= least
        if waiting := [replica for replica in served.replicas if not replica.proven]:
            served = served.with_replica(replace(data.draw(st.sampled_from(waiting)), proven=True))
    assert [replica.terms for replica in served.replicas] == [Terms()] * wanted
    assert len(served.proven) == wanted
    assert change(served, wanted, Terms()).start == 0


async def _settle(deployer) -> None:
    """Until nothing comes or goes any more."""
    for _ in range(10):
        before = await deployer.deployment()
        busy = await deployer.reconcile()
        if not busy and await deployer.deployment() == before:
            return
        deployer.kernel.clock.advance(1)
    pytest.fail("it never came to rest")


async def _crash(table: object) -> None:
    raise Transient("the deployer was killed here")


def _no_ports(in_use: object) -> tuple[int, int]:
    raise Transient("no two free ports are left")
