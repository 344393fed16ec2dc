"""What is asked of a canary while it is being looked at is not lost, whatever the look would have done."""

import pytest
from crowd import canary, ended

from murmur_deployer.rollbacks import GoBack, go_back
from murmur_deployer.testing import promoted
from murmur_events.deployments import CanaryJudged, CanaryStarted, DeploymentFailed, DeploymentRolledBack

LOOKS = {"advance": 5, "finish": 10}


async def in_the_look(deployer, crowd, number, wish) -> None:
    """The wish comes between the moment when that look read the record and the moment when it acts."""
    counts = deployer.servers.counts

    async def counts_and_hear(replica):
        if len(crowd.weights) == number:
            deployer.servers.counts = counts
            await wish()
        return await counts(replica)

    deployer.servers.counts = counts_and_hear


@pytest.mark.parametrize("verdict", LOOKS)
async def test_a_rollback_in_the_midst_of_a_look_is_not_lost(deployer, verdict) -> None:
    crowd = await canary(deployer)

    async def go() -> None:
        await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"), collect=False)

    await in_the_look(deployer, crowd, LOOKS[verdict], go)
    facts = await ended(deployer)
    assert not any(isinstance(event, CanaryJudged) and event.verdict == verdict for event in facts)
    assert (type(facts[-1]), facts[-1].version, facts[-1].by) == (DeploymentRolledBack, 2, "ann")
    assert deployer.router.answering == {"credit-v1-1"}


@pytest.mark.parametrize("verdict", LOOKS)
async def test_a_promotion_in_the_midst_of_a_look_is_not_overlooked(deployer, verdict) -> None:
    crowd = await canary(deployer)

    async def another() -> None:
        await deployer.kernel.receives(promoted(await deployer.version(3), alias_revision=3))

    await in_the_look(deployer, crowd, LOOKS[verdict], another)
    facts = await ended(deployer)
    [failed] = [event for event in facts if isinstance(event, DeploymentFailed)]
    assert (failed.version, failed.cause) == (2, "superseded")


async def test_a_promotion_in_the_midst_of_the_look_that_rolls_back_is_not_called_failed(deployer) -> None:
    crowd = await canary(deployer)
    crowd.errors.update({2: 0.9})

    async def another() -> None:
        await deployer.kernel.receives(promoted(await deployer.version(3), alias_revision=3))

    await in_the_look(deployer, crowd, 2, another)
    facts = await ended(deployer)
    assert [type(event) for event in facts[:2]] == [CanaryStarted, DeploymentFailed]
    assert (facts[1].version, facts[1].cause) == (2, "superseded")


async def test_who_wants_a_canary_gone_does_not_wait_for_a_mute_replica(deployer) -> None:
    crowd = await canary(deployer)

    async def go() -> None:
        await deployer.kernel.change(go_back, GoBack("credit", 2, by="ann", reason="no"), collect=False)
        deployer.servers.counts = _mute

    crowd.meanwhile = go
    assert (await ended(deployer))[-1].by == "ann"


async def _mute(replica: object) -> None:
    raise AssertionError("nobody asks it")
