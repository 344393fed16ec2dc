"""What was learned of a replica is kept, and what was measured of a part of the requests is not taken for all."""

from dataclasses import replace

import pytest
from test_deployer_scaling import Crowd, automatic, scaled

from murmur_deployer.domain.canary import Canary
from murmur_deployer.scaler import Scaler

LEARNED = {"rate": None, "latency_p99": "50ms"}


async def two_are_needed(deployer) -> Crowd:
    """One replica was too slow at 300 requests a second, which two of them answer quickly."""
    crowd = await automatic(deployer, **LEARNED)
    await crowd.seconds(10, rate=300, milliseconds=90)
    assert scaled(deployer) == [(1, 2, "latency")]
    await crowd.seconds(5, rate=300)
    return crowd


async def test_a_restart_of_the_deployer_does_not_forget_what_a_replica_takes(deployer) -> None:
    crowd = await two_are_needed(deployer)
    before = deployer.scaler
    deployer.scaler = Scaler(
        before._fleet, deployer.router, switching=before._switching, scaled=before._scaled, now=before._now
    )
    await crowd.seconds(60, rate=300)
    assert scaled(deployer) == []
    await crowd.seconds(30, rate=30)
    assert scaled(deployer) == [(2, 1, "idle")]


async def test_another_version_is_supposed_to_take_as_much(deployer) -> None:
    await two_are_needed(deployer)
    await deployer.deploy(2)
    await Crowd(deployer, "credit-v2").seconds(60, rate=300)
    assert scaled(deployer) == []


@pytest.mark.parametrize("weight", [0.5, None])
async def test_the_load_beside_a_canary_is_not_all_of_it(deployer, weight) -> None:
    """A canary took half of the requests for longer than `idle`, and goes back: they come as they came before."""
    crowd = await automatic(deployer)
    await crowd.seconds(10, rate=900)
    scaled(deployer)
    await with_canary(deployer, weight)
    await crowd.seconds(30, rate=300)
    found = scaled(deployer)
    await with_canary(deployer, None)
    await crowd.seconds(1, rate=300)
    await crowd.seconds(30, rate=900)
    found += scaled(deployer)
    assert [cause for *_, cause in found] == ([] if weight else ["idle", "rate"])


async def with_canary(deployer, weight: float | None) -> None:
    """The canary's share as the record has it, without its replicas."""
    now = deployer.kernel.clock.now()

    async def change(_: None, uow) -> None:
        deployment = await uow.deployments.require("credit")
        its = Canary(weight, now, now) if weight is not None else None
        uow.deployments.save(replace(deployment, canary=its))

    await deployer.kernel.change(change, None)
