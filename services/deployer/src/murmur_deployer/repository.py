"""What the deployer keeps: deployments, how their workflows want them served, and the state of each version that was
ever promoted to production."""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Collection as Names
from dataclasses import dataclass
from typing import Any, TypeVar

from murmur_deployer.domain.batch import Batch, BatchState
from murmur_deployer.domain.batch_input import BatchInput
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.quality import CanaryLabels
from murmur_deployer.domain.rules import DeploymentRules, rules_of
from murmur_events import Event
from murmur_events.models import VersionState
from murmur_kernel import troubles
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


class _DeploymentKind(Kind[Deployment]):
    """Reads too what was kept when one replica served: then `serving` and `candidate` were replicas themselves."""

    def load(self, body: str) -> Deployment:
        if '"serving":{"name":' in body or '"candidate":{"name":' in body:
            body = _of_many_replicas(body)
        return super().load(body)


def _of_many_replicas(body: str) -> str:
    document = json.loads(body)
    for role in ("serving", "candidate"):
        if replica := document.get(role):
            proven = {**replica, "proven": role == "serving"}
            document[role] = {"version": replica["version"], "replicas": [proven]}
    return json.dumps(document)


DEPLOYMENTS = _DeploymentKind(
    "deployment", Deployment, key=lambda deployment: deployment.name, indexes=("name",), keeps=1000
)
RELEASES = Kind("release", Release, key=lambda release: release.id)
BATCHES = Kind("batch", Batch, key=lambda batch: batch.id, indexes=("deployment", "state", "requested_at"))
BATCH_INPUTS = Kind("batch-input", BatchInput, key=lambda file: file.sha256)
RULES = Kind("deployment-rules", DeploymentRules, key=lambda rules: rules.workflow, indexes=("workflow",), keeps=1000)
CANARY_LABELS = Kind("canary-labels", CanaryLabels, key=lambda labels: labels.deployment, keeps=100)
KINDS = (DEPLOYMENTS, RELEASES, RULES, CANARY_LABELS, BATCHES, BATCH_INPUTS)

_PAGE = 200
_UNHEARD = "unheard/"
"""Begins the ids of these troubles."""

T = TypeVar("T")


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

    @property
    def rules(self) -> Collection[DeploymentRules]:
        return self.collection(RULES)

    @property
    def canary_labels(self) -> Collection[CanaryLabels]:
        return self.collection(CANARY_LABELS)

    async def labels_of(self, deployment: Deployment) -> CanaryLabels | None:
        """What labels have told of its canary. What is kept of an earlier one, or by another metric, is not of this."""
        rules = (await self.rules_of(deployment.name)).canary.quality
        none_yet = deployment.unlabelled(rules.metric)
        known = await self.canary_labels.get(deployment.name)
        return known if known is not None and none_yet is not None and known.is_of(none_yet) else none_yet

    async def rules_of(self, deployment: str) -> DeploymentRules:
        found = await self.rules.get(deployment)
        return rules_of(deployment, {deployment: found} if found else {})

    async def all_rules(self) -> Mapping[str, DeploymentRules]:
        """By the name of the deployment."""
        return {each.workflow: each for each in await _all(self.rules, "workflow")}

    async def all_deployments(self) -> tuple[Deployment, ...]:
        """Every deployment, by name."""
        return await _all(self.deployments, "name")

    async def pinned(self) -> Mapping[str, frozenset[int]]:
        """By the name of the deployment, the versions that batches under way are pinned to."""
        found: defaultdict[str, set[int]] = defaultdict(set)
        for batch in await _all(self.batches, "requested_at", where={"state": BatchState.SCORING}):
            if batch.pin is not None:
                found[batch.deployment].add(batch.pin.version)
        return {name: frozenset(versions) for name, versions in found.items()}


async def _all(collection: Collection[T], order_by: str, *, where: Mapping[str, str] | None = None) -> tuple[T, ...]:
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await collection.find(where=where, order_by=order_by, limit=_PAGE, cursor=cursor)
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

    async def rules(self) -> Mapping[str, DeploymentRules]:
        async def load(_: None, uow: DeployerUnitOfWork) -> Mapping[str, DeploymentRules]:
            return await uow.all_rules()

        found: Mapping[str, DeploymentRules] = await self._read(load, None)
        return found

    async def pinned(self) -> Mapping[str, frozenset[int]]:
        async def load(_: None, uow: DeployerUnitOfWork) -> Mapping[str, frozenset[int]]:
            return await uow.pinned()

        found: Mapping[str, frozenset[int]] = await self._read(load, None)
        return found

    async def version(self, deployment: str, version: int) -> VersionState:
        async def load(_: None, uow: DeployerUnitOfWork) -> Release:
            return await uow.releases.require(release_id(deployment, version))

        release: Release = await self._read(load, None)
        return release.state

    async def tell_unheard(self, deployments: Names[str]) -> None:
        async def save(_: None, uow: DeployerUnitOfWork) -> Done:
            for name in deployments:
                await troubles.begin(
                    uow,
                    f"{_UNHEARD}{name}",
                    about=name,
                    title=f"the front door takes no new routes for {name}",
                    detail="replicas that should have ended are kept, since it may still lead to them: see envoy.log",
                )
            for trouble in await troubles.open_troubles(uow, _UNHEARD):
                if trouble.about not in deployments:
                    await troubles.end(uow, trouble.id, "the front door leads as is recorded")
            return Done()

        await self._change(save, None)

    async def update(
        self,
        name: str,
        change: Callable[[Deployment], Deployment],
        told: Callable[[Deployment], Event] | None = None,
    ) -> None:
        async def save(_: None, uow: DeployerUnitOfWork) -> Done:
            before = await uow.deployments.require(name)
            if (after := change(before)) != before:
                uow.deployments.save(after)
                if told is not None:
                    uow.publish(told(after))
            return Done()

        await self._change(save, None)
