"""A canary gets all the requests in the end: it has as many replicas as they need, and all of them answer."""

from crowd import SECTION, canary, ended

from murmur_deployer.testing import workflow_applied
from murmur_events.deployments import ModelDeployed


async def test_a_canary_grows_with_what_serves(deployer) -> None:
    crowd = await canary(deployer)

    async def traffic_grows() -> None:
        if len(crowd.weights) == 3:
            await deployer.kernel.receives(wanted(replicas=3))
        await deployer.reconcile()

    crowd.meanwhile = traffic_grows
    deployed = (await ended(deployer))[-1]
    assert isinstance(deployed, ModelDeployed)
    assert len(deployed.replicas) == 3
    assert deployer.router.answering == set(deployed.replicas)
    deployment = await deployer.deployment()
    assert (deployment.size, len(deployment.serving.proven)) == (3, 3)


async def test_a_canary_does_not_go_on_before_those_that_it_lacks_are_proven(deployer) -> None:
    crowd = await canary(deployer)

    async def grows_and_waits() -> None:
        if len(crowd.weights) == 3:
            await deployer.kernel.receives(wanted(replicas=3))
            await deployer.scaler.look()
        if len(crowd.weights) >= 12:
            await deployer.reconcile()

    crowd.meanwhile = grows_and_waits
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    assert set(crowd.weights[:12]) == {0.1}


async def test_a_canary_shrinks_with_what_serves_and_drained(deployer) -> None:
    crowd = await canary(deployer, replicas=3)

    async def fewer_are_wanted() -> None:
        if len(crowd.weights) == 3:
            await deployer.kernel.receives(wanted(replicas=2))
        await deployer.reconcile()

    crowd.meanwhile = fewer_are_wanted
    assert len((await ended(deployer))[-1].replicas) == 2


async def test_a_canary_that_was_killed_a_moment_ago_does_not_get_everything(deployer) -> None:
    crowd = await canary(deployer)

    async def killed() -> None:
        if len(crowd.weights) == 9:
            deployer.servers.kill("credit-v2-2")
        if len(crowd.weights) == 14:
            await deployer.reconcile()

    crowd.meanwhile = killed
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    assert crowd.weights == [0.1] * 5 + [0.5] * len(crowd.weights[5:])
    assert len(crowd.weights) >= 14


def wanted(*, replicas: int):
    return workflow_applied(revision=3, **SECTION | {"replicas": replicas})
