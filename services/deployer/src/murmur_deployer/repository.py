"""What the deployer keeps: deployments, and the state of each version that was ever promoted to production."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from murmur_deployer.domain.batch import Batch
from murmur_deployer.domain.batch_input import BatchInput
from murmur_deployer.domain.deployment import Deployment
from murmur_events.models import VersionState
from murmur_kernel.commands import Done
from murmur_kernel.documents import Kind
from murmur_kernel.unit_of_work import Collection, UnitOfWork


@dataclass(frozen=True)
class Release:
    """A version with all that serving it takes, as the promotion brought it."""

    deployment: str
    version: int
    state: VersionState

    @property
    def id(self) -> str:
        return release_id(self.deployment, self.version)


def release_id(deployment: str, version: int) -> str:
    return f"{deployment}@{version}"


DEPLOYMENTS = Kind("deployment", Deployment, key=lambda deployment: deployment.name, indexes=("name",), keeps=1000)
RELEASES = Kind("release", Release, key=lambda release: release.id)
BATCHES = Kind("batch", Batch, key=lambda batch: batch.id, indexes=("deployment", "state", "requested_at"))
BATCH_INPUTS = Kind("batch-input", BatchInput, key=lambda file: file.sha256)
KINDS = (DEPLOYMENTS, RELEASES, BATCHES, BATCH_INPUTS)

_PAGE = 200


class DeployerUnitOfWork(UnitOfWork):
    @property
    def deployments(self) -> Collection[Deployment]:
        return self.collection(DEPLOYMENTS)

    @property
    def releases(self) -> Collection[Release]:
        return self.collection(RELEASES)

    @property
    def batches(self) -> Collection[Batch]:
        return self.collection(BATCHES)

    @property
    def batch_inputs(self) -> Collection[BatchInput]:
        return self.collection(BATCH_INPUTS)

    async def all_deployments(self) -> tuple[Deployment, ...]:
        """Every deployment, by name."""
        found: list[Deployment] = []
        cursor: str | None = None
        while True:
            page = await self.deployments.find(order_by="name", limit=_PAGE, cursor=cursor)
            found += page.items
            if (cursor := page.next) is None:
                return tuple(found)


Read = Callable[[Callable[[Any, DeployerUnitOfWork], Awaitable[Any]], Any], Awaitable[Any]]
Change = Callable[[Callable[[Any, DeployerUnitOfWork], Awaitable[Done]], Any], Awaitable[Done]]


class StoredFleet:
    """The Fleet of the service's own store."""

    def __init__(self, *, read: Read, change: Change) -> None:
        self._read = read
        self._change = change

    async def deployments(self) -> tuple[Deployment, ...]:
        async def load(_: None, uow: DeployerUnitOfWork) -> tuple[Deployment, ...]:
            return await uow.all_deployments()

        found: tuple[Deployment, ...] = await self._read(load, None)
        return found

    async def version(self, deployment: str, version: int) -> VersionState:
        async def load(_: None, uow: DeployerUnitOfWork) -> Release:
            return await uow.releases.require(release_id(deployment, version))

        release: Release = await self._read(load, None)
        return release.state

    async def update(self, name: str, change: Callable[[Deployment], Deployment]) -> None:
        async def save(_: None, uow: DeployerUnitOfWork) -> Done:
            uow.deployments.save(change(await uow.deployments.require(name)))
            return Done()

        await self._change(save, None)
