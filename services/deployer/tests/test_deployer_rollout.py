"""From a promotion to the one fact that ends it."""

import pytest

from murmur_deployer.domain.deployment import State
from murmur_deployer.domain.probe import mismatch
from murmur_deployer.testing import promoted, version_state
from murmur_events.deployments import DeploymentFailed, ModelDeployed
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import Transient


async def test_a_promotion_to_production_is_deployed(deployer) -> None:
    state = await deployer.version(1)
    published = await deployer.deploy(1)
    assert published == [
        ModelDeployed(
            deployment="credit",
            model="credit",
            version=1,
            replaces=None,
            replica="credit-v1-1",
            replicas=("credit-v1-1",),
            endpoint="/v2/models/credit",
            state=state,
        )
    ]
    deployment = await deployer.deployment()
    assert (deployment.state, names(deployment.serving)) == (State.SERVING, ["credit-v1-1"])
    assert deployer.router.routes == {"credit": "credit-v1"}


async def test_the_fact_continues_the_chain_of_the_promotion(deployer) -> None:
    record = deployer.kernel.record_of(promoted(await deployer.version(1), alias_revision=1), event_id="e-1")
    await deployer.kernel.receives_record(record)
    await deployer.kernel.run_jobs()
    [envelope] = deployer.kernel.envelopes
    assert envelope.causation_id == "e-1"


async def test_a_promotion_to_staging_deploys_nothing(deployer) -> None:
    await deployer.kernel.receives(promoted(await deployer.version(1), alias_revision=1, alias="staging"))
    assert await deployer.kernel.run_jobs() == 0
    assert deployer.kernel.published == []


async def test_the_same_promotion_twice_is_deployed_once(deployer) -> None:
    await deployer.promote(1)
    await deployer.promote(1)
    assert await deployer.kernel.run_jobs() == 1
    assert len(deployer.kernel.published) == 1


async def test_the_next_version_takes_the_route_and_the_old_one_retires(deployer) -> None:
    await deployer.deploy(1)
    [fact] = await deployer.deploy(2)
    assert (fact.version, fact.replaces) == (2, 1)
    deployment = await deployer.deployment()
    assert (names(deployment.serving), [replica.name for replica in deployment.retiring]) == (
        ["credit-v2-2"],
        ["credit-v1-1"],
    )
    assert deployer.router.routes == {"credit": "credit-v2"}
    assert (deployer.router.answering, deployer.router.known) == ({"credit-v2-2"}, {"credit-v1-1", "credit-v2-2"})
    assert set(deployer.servers.processes) == {"credit-v1-1", "credit-v2-2"}


FAILURES = {
    "corrupt": "artifact_corrupt",
    "dying": "did_not_start",
    "silent": "did_not_start",
    "refusing": "probe_mismatch",
}


@pytest.mark.parametrize(("trouble", "cause"), FAILURES.items())
async def test_a_version_that_cannot_serve_leaves_the_old_one_serving_and_nothing_behind(
    deployer, trouble, cause
) -> None:
    await deployer.deploy(1)
    getattr(deployer.servers, trouble).add(2)
    [fact] = await deployer.deploy(2)
    assert isinstance(fact, DeploymentFailed)
    assert (fact.version, fact.cause, fact.still_serving) == (2, cause, 1)
    assert deployer.servers.names_now() == {"credit-v1-1"}
    assert deployer.router.routes == {"credit": "credit-v1"}
    deployment = await deployer.deployment()
    assert (deployment.state, deployment.failure.cause, deployment.candidate) == (State.SERVING, cause, None)


async def test_a_replica_that_dies_is_quoted(deployer) -> None:
    deployer.servers.dying.add(1)
    [fact] = await deployer.deploy(1)
    assert "'credit-v1-1' ended before it was ready; its log ends with: the model file was changed" in fact.message
    assert fact.still_serving is None
    assert (await deployer.deployment()).state is State.NOT_SERVING


async def test_a_wrong_answer_to_the_probe_is_quoted(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.outputs = (0.26,)
    [fact] = await deployer.deploy(2)
    assert (fact.cause, fact.message) == (
        "probe_mismatch",
        "training computed 0.25 for row 0 of the probe, the replica 0.26",
    )


async def test_a_probe_without_outputs_fails_the_rollout(deployer, artifacts: ArtifactStore) -> None:
    state = await version_state(artifacts, version=1, probe={"request": {}})
    await deployer.kernel.receives(promoted(state, alias_revision=1))
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.published
    assert (fact.cause, "'outputs'" in fact.message) == ("artifact_corrupt", True)


async def test_a_route_that_is_not_applied_fails_the_rollout(deployer) -> None:
    await deployer.deploy(1)
    deployer.router.deaf = True
    [fact] = await deployer.deploy(2)
    assert (fact.cause, fact.message, fact.still_serving) == ("route_not_applied", "Envoy does not answer", 1)
    await deployer.reconciler.reconcile()
    assert "credit-v2-2" in deployer.servers.processes, "Envoy may have taken the route after all"
    deployer.router.deaf = False
    await deployer.reconciler.reconcile()
    deployer.kernel.clock.advance(1)
    await deployer.reconciler.reconcile()
    assert deployer.servers.names_now() == deployer.router.known == {"credit-v1-1"}


async def test_of_two_promotions_the_newest_wins_and_both_end_in_a_fact(deployer) -> None:
    await deployer.promote(1)
    await deployer.promote(2)
    await deployer.kernel.run_jobs()
    first, second = deployer.kernel.published
    assert (first.version, first.cause, "version 2 was promoted later" in first.message) == (1, "superseded", True)
    assert (type(second), second.version) == (ModelDeployed, 2)
    assert deployer.servers.started == ["credit-v2-1"]


async def test_a_promotion_during_a_rollout_supersedes_it_before_it_takes_the_route(deployer) -> None:
    await deployer.deploy(1)
    start = deployer.servers.start

    async def start_and_hear_of_another(replica, state):
        deployer.servers.start = start
        await deployer.promote(3)
        return await start(replica, state)

    deployer.servers.start = start_and_hear_of_another
    second, third = await deployer.deploy(2)
    assert (second.version, second.cause, second.still_serving) == (2, "superseded", 1)
    assert (type(third), third.version, third.replaces) == (ModelDeployed, 3, 1)
    deployer.kernel.clock.advance(1)
    await deployer.reconciler.reconcile()
    assert deployer.servers.names_now() == {"credit-v3-3"}
    assert [table.routes[0].pool for table in deployer.router.applied][:3] == ["credit-v1", "credit-v1", "credit-v3"]


async def test_a_promotion_that_comes_late_is_superseded(deployer) -> None:
    await deployer.deploy(2)
    [fact] = await deployer.deploy(1)
    assert (fact.version, fact.cause, fact.still_serving) == (1, "superseded", 2)
    assert (await deployer.deployment()).failure is None


async def test_going_back_to_an_older_version_is_a_promotion_like_any_other(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.promote(1, alias_revision=3)
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.take_published()
    assert (type(fact), fact.version, fact.replaces) == (ModelDeployed, 1, 2)


async def test_the_attempt_after_a_crash_takes_up_the_living_candidate(deployer) -> None:
    deployer.router.apply, apply = _crash, deployer.router.apply
    await deployer.promote(1)
    await deployer.kernel.run_jobs()
    assert deployer.kernel.published == []
    deployer.router.apply = apply
    deployer.kernel.clock.advance(60)
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.published
    assert (type(fact), fact.replica) == (ModelDeployed, "credit-v1-1")
    assert deployer.servers.started == ["credit-v1-1"]


async def test_the_attempt_after_a_crash_replaces_a_dead_candidate(deployer) -> None:
    deployer.router.apply, apply = _crash, deployer.router.apply
    await deployer.promote(1)
    await deployer.kernel.run_jobs()
    deployer.servers.kill("credit-v1-1")
    deployer.router.apply = apply
    deployer.kernel.clock.advance(60)
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.published
    assert (type(fact), fact.replica) == (ModelDeployed, "credit-v1-2")
    assert deployer.servers.names_now() == {"credit-v1-2"}


async def test_a_rollout_that_never_gets_through_ends_in_a_fact_too(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.choose_ports = _bug
    await deployer.promote(2)
    for _ in range(6):
        deployer.kernel.clock.advance(60)
        await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.published
    assert (fact.version, fact.cause, fact.still_serving) == (2, "did_not_start", 1)
    assert fact.message == "3 attempts failed, the last: a bug"


async def test_a_rollout_waits_for_what_the_machine_lacks(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.choose_ports, choose_ports = _no_ports, deployer.servers.choose_ports
    await deployer.promote(2)
    for _ in range(6):
        await deployer.kernel.run_jobs()
        deployer.kernel.clock.advance(60)
    assert deployer.kernel.published == []
    deployer.servers.choose_ports = choose_ports
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.published
    assert (type(fact), fact.version) == (ModelDeployed, 2)


def names(served):
    return [replica.name for replica in served.replicas]


async def _crash(table: object) -> None:
    raise Transient("the deployer was killed here")


def _bug(in_use: object) -> tuple[int, int]:
    raise RuntimeError("a bug")


def _no_ports(in_use: object) -> tuple[int, int]:
    raise Transient("no two free ports are left")


@pytest.mark.parametrize(
    ("answered", "difference"),
    [
        ((0.5, 0.25), None),
        ((0.5 + 5e-7, 0.25), None),
        ((0.5 + 5e-6, 0.25), "row 0"),
        ((0.5,), "2 outputs for the probe, the replica 1"),
        ((0.5, float("nan")), "row 1"),
    ],
)
def test_a_probe_is_compared_within_a_millionth(answered, difference) -> None:
    found = mismatch((0.5, 0.25), answered)
    assert (found is None) if difference is None else (difference in found)
