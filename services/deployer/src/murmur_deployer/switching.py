"""Changes of what the front door leads to: applied, recorded and told together, or not at all."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.routing import routing_table
from murmur_deployer.ports import RouteNotApplied, Router
from murmur_deployer.repository import DeployerUnitOfWork
from murmur_deployer.turns import Turn
from murmur_kernel.jobs import Job

Change: TypeAlias = Callable[[Deployment, DeployerUnitOfWork], Awaitable[Deployment]]
"""How a deployment should stand, given how it stands now; it publishes what is to be told of that."""


class Switch:
    """One change at a time, for all deployments: a routing table is made of all of them."""

    def __init__(self, router: Router, turn: Turn) -> None:
        """turn: held while routes are changed and the change is recorded."""
        self._router = router
        self.turn = turn

    async def carry_out(self, job: Job[DeployerUnitOfWork], name: str, change: Change, *, completes: bool) -> None:
        """The front door routes as the changed deployment says before that is recorded.

        completes: the job ends with it. Raises what `change` raises, and RouteNotApplied: then nothing is recorded.
        """
        async with self.turn, job.unit_of_work(completes=completes) as uow:
            await self._apply(name, change, uow)

    async def give_up(self, job: Job[DeployerUnitOfWork], name: str, change: Change) -> None:
        """The same, and the job ends with it, whether or not the front door listens: the reconciler says it again until
        it does. Only for changes after which nobody ends what it may still lead to."""
        async with self.turn, job.unit_of_work(completes=True) as uow:
            with suppress(RouteNotApplied):
                await self._apply(name, change, uow)

    async def _apply(self, name: str, change: Change, uow: DeployerUnitOfWork) -> None:
        deployments = {each.name: each for each in await uow.all_deployments()}
        changed = await change(deployments[name], uow)
        uow.deployments.save(changed)
        await self._router.apply(routing_table((deployments | {name: changed}).values(), await uow.all_rules()))
