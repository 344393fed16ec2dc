"""Rollouts that meet others: one that comes too late, one that died half-way, several at once."""

import asyncio

import pytest
from crowd import canary, ended

from murmur_deployer.repository import DEPLOYMENTS
from murmur_deployer.testing import promoted, workflow_applied
from murmur_events.deployments import CanaryStarted, DeploymentFailed, ModelDeployed
from murmur_kernel.errors import Transient


@pytest.mark.parametrize("newer", [3, 2], ids=["another-version", "the-same-again"])
async def test_a_late_rollout_leaves_the_canary_of_a_newer_promotion_alone(deployer, newer) -> None:
    """It was put off, and comes to its turn when the newer one has its share of the requests already."""
    crowd = await canary(deployer)
    deployer.servers.choose_ports, choose_ports = _no_ports, deployer.servers.choose_ports
    await deployer.kernel.run_jobs()
    deployer.servers.choose_ports = choose_ports

    async def killed() -> None:
        crowd.meanwhile = None
        raise Transient("the deployer was killed here")

    crowd.meanwhile = killed
    await deployer.promote(newer, alias_revision=3)
    await deployer.kernel.run_jobs()
    facts = deployer.kernel.take_published()
    assert [type(fact) for fact in facts] in ([CanaryStarted], [CanaryStarted, DeploymentFailed])
    deployer.kernel.clock.advance(60)
    facts += await ended(deployer)
    [late] = [fact for fact in facts if isinstance(fact, DeploymentFailed)]
    assert (late.version, late.cause) == (2, "superseded")
    assert facts.index(late) < len(facts) - 3, "it came while the canary was under way"
    assert (type(facts[-1]), facts[-1].version) == (ModelDeployed, newer)
    assert deployer.servers.started == ["credit-v1-1", f"credit-v{newer}-2"]


async def test_whoever_the_front_door_led_to_before_a_crash_is_drained_before_it_ends(deployer) -> None:
    """The swap is applied, and its record lost: the reconciler goes back, and a later promotion comes first."""
    await deployer.deploy(1)
    apply = deployer.router.apply

    async def apply_and_die(table) -> None:
        await apply(table)
        raise Transient("the deployer was killed here")

    deployer.router.apply = apply_and_die
    await deployer.promote(2)
    await deployer.kernel.run_jobs()
    deployer.router.apply = apply
    assert deployer.router.routes == {"credit": "credit-v2"}
    await deployer.reconciler.reconcile()
    assert (deployer.router.routes, deployer.router.known) == ({"credit": "credit-v1"}, {"credit-v1-1", "credit-v2-2"})
    await deployer.promote(3)
    deployer.kernel.clock.advance(60)
    await deployer.kernel.run_jobs()
    second, third = sorted(deployer.kernel.published, key=lambda fact: fact.version)
    assert (second.version, second.cause, type(third), third.version) == (2, "superseded", ModelDeployed, 3)
    assert "credit-v2-2" in deployer.servers.processes.keys() & deployer.router.known
    deployer.router.active["credit-v2-2"] = 1
    deployer.kernel.clock.advance(1)
    await deployer.reconciler.reconcile()
    assert "credit-v2-2" in deployer.servers.processes.keys() & deployer.router.known
    deployer.router.active.clear()
    await deployer.reconciler.reconcile()
    assert deployer.servers.names_now() == deployer.router.known == {"credit-v3-3"}


async def test_two_rollouts_at_once_choose_different_ports(deployer) -> None:
    """Nobody listens on them yet: what is recorded alone says that they are taken."""
    for name in ("credit", "fraud", "chatbot"):
        await deployer.kernel.receives(workflow_applied(name, revision=2, replicas=2))
        state = (await deployer.version(1)).model_copy(update={"model": name, "workflow": name})
        await deployer.kernel.receives(promoted(state, alias_revision=1))
    await asyncio.gather(*(deployer.kernel.run_jobs() for _ in range(3)))
    found = [await deployer.kernel.get(DEPLOYMENTS, name) for name in ("credit", "fraud", "chatbot")]
    ports = [port for deployment in found for replica in deployment.replicas for port in replica.ports]
    assert len(ports) == len(set(ports)) == 12


def _no_ports(in_use: object) -> tuple[int, int]:
    raise Transient("no two free ports are left")
