"""A person goes back: the version that they have seen goes, once, and each call ends in a fact."""

import pytest
from crowd import canary, ended

from murmur_deployer.repository import DEPLOYMENTS
from murmur_deployer.rollbacks import GoBack, RollbackNotPossible, go_back
from murmur_events.deployments import CanaryStarted, DeploymentFailed, DeploymentRolledBack, ModelDeployed
from murmur_events.registry import RollbackRequested
from murmur_kernel.errors import Transient


async def test_one_call_goes_back_to_the_version_that_served_before(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    command = GoBack("credit", 2, by="ann", reason="too many complaints")
    for _ in range(2):
        await deployer.kernel.change(go_back, command)
    [back] = await ended(deployer)
    assert isinstance(back, DeploymentRolledBack)
    assert (back.version, back.serving, back.by, back.cause, back.alias_revision) == (2, 1, "ann", "person", 2)
    deployment = await deployer.kernel.get(DEPLOYMENTS, "credit")
    assert (deployment.serving.version, deployment.previous, deployment.failure.cause) == (1, None, "rolled_back")
    assert deployer.router.routes == {"credit": "credit-v1"}


async def test_going_back_after_a_promotion_that_failed_cites_that_promotion(deployer) -> None:
    """Production names version 3, which never served: its revision is what the registry compares."""
    await deployer.deploy(1)
    await deployer.deploy(2)
    deployer.servers.corrupt.add(3)
    await deployer.deploy(3)
    await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"))
    back = (await ended(deployer))[-1]
    assert isinstance(back, DeploymentRolledBack)
    assert (back.version, back.serving, back.alias_revision) == (2, 1, 3)
    await deployer.promote(1, alias_revision=4)
    [fact] = deployer.kernel.take_published()
    assert (type(fact), fact.version) == (ModelDeployed, 1)


async def test_nothing_to_go_back_to_is_said(deployer) -> None:
    await deployer.deploy(1)
    with pytest.raises(RollbackNotPossible, match="served as 'credit' before"):
        await deployer.kernel.change(go_back, GoBack("credit", 1, by="ann", reason="no"))


async def test_a_rollback_waits_for_no_rollout(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"))
    await deployer.promote(3)
    await deployer.kernel.run_jobs()
    facts = deployer.kernel.take_published()
    assert [(type(event), event.version) for event in facts][-1] == (ModelDeployed, 3)
    assert (await deployer.deployment()).serving.version == 3


async def test_a_previous_version_that_cannot_serve_leaves_what_serves(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    deployer.servers.corrupt.add(1)
    await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"))
    [fact] = await ended(deployer)
    assert (type(fact), fact.version, fact.cause, fact.still_serving) == (DeploymentFailed, 1, "artifact_corrupt", 2)


async def test_the_second_of_two_who_end_a_canary_takes_production_no_further_back(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.apply(revision=2, strategy="canary", canary={"steps": [0.1]})
    await deployer.promote(3)

    async def somebody_has_seen_enough(seconds: float) -> None:
        await deployer.kernel.change(go_back, GoBack("credit", 3, by="ann", reason="no"), collect=False)

    deployer.between_looks = somebody_has_seen_enough
    assert isinstance((await ended(deployer))[-1], DeploymentRolledBack)
    with pytest.raises(RollbackNotPossible, match="version 3 of 'credit' is not there to go: version 2 serves"):
        await deployer.kernel.change(go_back, GoBack("credit", 3, by="bob", reason="no"))
    assert await ended(deployer) == []
    assert (await deployer.deployment()).serving.version == 2


async def test_what_serves_does_not_go_before_its_canary(deployer) -> None:
    crowd = await canary(deployer)
    refused = []

    async def somebody_names(version: int) -> None:
        with pytest.raises(RollbackNotPossible) as error:
            await deployer.kernel.change(go_back, GoBack("credit", version, by="ann", reason="no"), collect=False)
        refused.append(str(error.value))

    async def meanwhile() -> None:
        if not refused:
            await somebody_names(1)
            await somebody_names(7)

    crowd.meanwhile = meanwhile
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    assert refused[0] == "version 2 of 'credit' is a canary beside version 1: roll version 2 back first"
    assert "version 1 serves, and version 2 is its canary" in refused[1]


async def test_a_promotion_of_what_serves_before_the_rollback_begins_ends_it_in_a_fact(deployer) -> None:
    """And whoever then asks again is heard: nothing of the first call stands in the way."""
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"))
    await deployer.promote(2, alias_revision=3)
    [deployed, failed] = await ended(deployer)
    assert (type(deployed), deployed.version) == (ModelDeployed, 2)
    assert (type(failed), failed.version, failed.cause, failed.still_serving) == (DeploymentFailed, 1, "superseded", 2)
    assert (await deployer.deployment()).failure is None
    await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="I mean it"))
    [back] = await ended(deployer)
    assert (type(back), back.serving) == (DeploymentRolledBack, 1)


async def test_a_rollback_that_was_overtaken_leaves_the_canary_of_another_alone(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"))
    await deployer.apply(revision=2, strategy="canary", canary={"steps": [0.1]})
    await deployer.promote(3)
    deployer.between_looks = _overslept
    facts = await ended(deployer)
    assert {type(event) for event in facts} == {DeploymentFailed, CanaryStarted}
    assert (await deployer.deployment()).canary is not None


async def _overslept(seconds: float) -> None:
    raise Transient("enough was seen")


async def test_asked_for_at_the_registry_it_goes_back_as_if_asked_here(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.deploy(3)
    await deployer.kernel.receives(RollbackRequested(model="credit", version=3, to=1, by="ann", reason="no"))
    [back] = await ended(deployer)
    assert isinstance(back, DeploymentRolledBack)
    assert (back.version, back.serving, back.by, back.alias_revision) == (3, 1, "ann", 3)
    assert deployer.router.routes == {"credit": "credit-v1"}


@pytest.mark.parametrize(
    ("version", "to", "why"), [(1, None, "not there to go"), (2, 9, "never in production"), (2, 2, "serves now")]
)
async def test_a_request_that_cannot_be_met_ends_in_a_fact_that_says_why(deployer, version, to, why) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    await deployer.kernel.receives(RollbackRequested(model="credit", version=version, to=to, by="ann", reason="no"))
    [failed] = deployer.kernel.take_published()
    assert isinstance(failed, DeploymentFailed)
    assert why in failed.message
    assert (failed.cause, failed.still_serving) == ("superseded", 2)
    assert await deployer.kernel.run_jobs() == 0
