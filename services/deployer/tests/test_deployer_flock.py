"""Real model servers behind a real Envoy, under load, while versions are swapped and processes are killed."""

import os
import signal

import pytest
from deployer_load import load

from murmur_deployer.testing import promoted, version_state
from murmur_events.deployments import ModelDeployed
from murmur_kernel.errors import Transient
from murmur_kernel.testing import eventually

pytestmark = pytest.mark.flock


@pytest.fixture
async def deployer(front_door, http, local_servers, real_deployer, artifacts, trained):
    """With `promote(version)` for real models."""
    harness = real_deployer(local_servers(), front_door.router(http))

    async def promote(version: int) -> None:
        real = trained(version)
        state = await version_state(
            artifacts, version=version, model=real.model, signature=real.signature, probe=real.probe
        )
        await harness.kernel.receives(promoted(state, alias_revision=version))
        await harness.kernel.run_jobs()

    harness.promote = promote
    async with harness.kernel:
        await harness.apply()
        yield harness


async def test_a_swap_under_load_loses_no_request(deployer, front_door) -> None:
    await deployer.promote(1)
    async with load(front_door.url) as seen:
        await eventually(lambda: seen.answered["1"] > 50)
        await deployer.promote(2)
        await eventually(lambda: seen.answered["2"] > 50)
        deployer.kernel.clock.advance(1)
        await eventually(lambda: _retired(deployer), within=30)
        after = seen.answered["2"]
        await eventually(lambda: seen.answered["2"] > after + 50)
    assert seen.failed == []
    assert [type(event) for event in deployer.kernel.published] == [ModelDeployed, ModelDeployed]
    assert await deployer.servers.names() == {"credit-v2-2"}
    print(f"answered by version: {dict(seen.answered)}, failed: {len(seen.failed)}")  # noqa: T201  the measured figure


async def test_a_killed_model_server_costs_its_clients_time_but_no_request(deployer, front_door) -> None:
    """Save one whose answer had begun when the process died: its head is with the client, and cannot be taken back."""
    await deployer.promote(1)
    [killed] = (await deployer.deployment()).serving.replicas
    async with load(front_door.url) as seen:
        await eventually(lambda: seen.answered["1"] > 50)
        os.kill(killed.process.pid, signal.SIGKILL)
        before = seen.answered["1"]
        again = await eventually(lambda: _replaced(deployer, killed))
        await eventually(lambda: seen.answered["1"] > before + 50, within=40)
    assert all("without sending complete message body" in error for error in seen.failed), seen.failed
    assert len(seen.failed) <= 1
    assert (again.name, again.ports) == (killed.name, killed.ports)


async def _replaced(deployer, killed):
    """One pass of the reconciler; the serving replica once it is another process."""
    await deployer.reconciler.reconcile()
    [serving] = (await deployer.deployment()).serving.replicas
    return serving if serving.process != killed.process else None


async def _retired(deployer) -> bool:
    return not await deployer.reconciler.reconcile()


async def test_a_swap_whose_record_was_lost_costs_no_request(deployer, front_door) -> None:
    """Killed between Envoy's word that it has the route and the commit: the reconciler goes back, the rollout comes
    again."""
    await deployer.promote(1)
    apply = deployer.router.apply

    async def apply_and_die(table) -> None:
        await apply(table)
        if any(route.pool == "credit-v2" for route in table.routes):
            deployer.router.apply = apply
            raise Transient("the deployer was killed here")

    deployer.router.apply = apply_and_die
    async with load(front_door.url) as seen:
        await deployer.promote(2)
        await eventually(lambda: seen.answered["2"] > 50)
        before = seen.answered["1"]
        await deployer.reconciler.reconcile()
        await eventually(lambda: seen.answered["1"] > before + 50)
        deployer.kernel.clock.advance(60)
        await deployer.kernel.run_jobs()
        await deployer.reconciler.reconcile()
        deployer.kernel.clock.advance(1)
        await eventually(lambda: _retired(deployer), within=30)
        after = seen.answered["2"]
        await eventually(lambda: seen.answered["2"] > after + 50)
    assert seen.failed == []
    assert [type(event) for event in deployer.kernel.published] == [ModelDeployed, ModelDeployed]
    assert await deployer.servers.names() == {"credit-v2-2"}
