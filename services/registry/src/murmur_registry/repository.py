"""What the registry keeps: models and versions with their changes, alias moves, reviews, roll-outs, freezes, rules.

Documents extend the domain's types by what only others need: the state that events carry on, and the chain to continue.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

from murmur_events.models import VersionState
from murmur_events.values import Artifact
from murmur_kernel.documents import Kind, Scalar
from murmur_kernel.store import Store
from murmur_kernel.unit_of_work import Chain, Collection, Origin, UnitOfWork
from murmur_mlflow.workspaces import DEFAULT
from murmur_registry.domain.freezes import Freeze
from murmur_registry.domain.logged_models import LocalExperiment, LoggedModel
from murmur_registry.domain.memory import Change
from murmur_registry.domain.models import AliasMove, RegisteredModel, name_in
from murmur_registry.domain.refusals import no_model, no_version
from murmur_registry.domain.reviews import Review
from murmur_registry.domain.versions import ModelVersion
from murmur_registry.domain.webhooks import Delivery, Webhook
from murmur_registry.domain.workspaces import Workspace, is_gone
from murmur_registry.webhooks.announcing import announce
from murmur_registry.webhooks.documents import DELIVERIES, WEBHOOK_KINDS, WEBHOOKS, WISHES, Wishes

T = TypeVar("T")

_PAGE = 250


@dataclass(frozen=True, kw_only=True)
class VersionDocument(ModelVersion):
    """`state` is what events say of a workflow's version; a client's has none. `deferred` is where promotion.deferred
    stands: what is decided when the freeze ends continues there."""

    state: VersionState | None = None
    report: Artifact | None = None
    deferred: Chain | None = None

    @property
    def candidate(self) -> VersionState:
        """What events say of it. Only what a workflow made is ever validated or promoted."""
        assert self.state is not None, f"{self.model} v{self.version} was made by a client"
        return self.state

    @property
    def name(self) -> str:
        """Of its model."""
        return name_in(self.model)

    @property
    def elsewhere(self) -> str | None:
        """Its workspace, None in the default one: the form in which it is found."""
        return self.model.rpartition("/")[0] or None

    @property
    def workspace(self) -> str:
        return self.elsewhere or DEFAULT


@dataclass(frozen=True, kw_only=True)
class ReviewDocument(Review):
    """`chain` is where review.requested stands: the decision continues there, days later perhaps."""

    report: Artifact
    chain: Chain


@dataclass(frozen=True, kw_only=True)
class PromotionRules:
    """Projection of workflow.applied: the part that the registry follows, for each revision."""

    workflow: str
    revision: int
    review: Literal["required", "none"]


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A version that production names, until the deployer has said what became of it."""

    model: str
    version: int
    promoted_at: datetime
    ended: bool = False
    overdue: bool = False

    def over(self) -> "Rollout":
        return replace(self, ended=True)

    def missed(self) -> "Rollout":
        return replace(self, overdue=True)


def version_id(model: str, version: int) -> str:
    return f"{model}/{version}"


def rules_id(workflow: str | None, revision: int | None) -> str:
    assert workflow is not None, "only a workflow has a revision"
    return f"{workflow}@{revision}"


MODELS = Kind(
    "model", RegisteredModel, key=lambda model: model.key, indexes=("workflow", "name", "elsewhere"), keeps=2_000
)
VERSIONS = Kind(
    "version",
    VersionDocument,
    key=lambda version: version_id(version.model, version.version),
    indexes=("model", "version", "status", "run_id", "elsewhere"),
    keeps=10_000,
)
CHANGES = Kind("change", Change, key=lambda change: change.id, indexes=("model", "version"))
MOVES = Kind(
    "alias-move",
    AliasMove,
    key=lambda move: f"{move.model}/{move.alias}/{move.revision}",
    indexes=("model", "alias"),
)
REVIEWS = Kind(
    "review",
    ReviewDocument,
    key=lambda review: version_id(review.model, review.version),
    indexes=("model", "status", "requested_at"),
)
RULES = Kind("promotion-rules", PromotionRules, key=lambda rules: rules_id(rules.workflow, rules.revision))
ROLLOUTS = Kind("rollout", Rollout, key=lambda rollout: version_id(rollout.model, rollout.version))
FREEZES = Kind("freeze", Freeze, key=lambda freeze: freeze.scope)
LOGGED_MODELS = Kind("logged-model", LoggedModel, key=lambda model: model.id)
LOCAL_EXPERIMENTS = Kind("local-experiment", LocalExperiment, key=lambda one: one.id, indexes=("workspace",))
WORKSPACES = Kind("workspace", Workspace, key=lambda workspace: workspace.name, keeps=1_000)

HEARD = frozenset({LOGGED_MODELS.name, LOCAL_EXPERIMENTS.name})
"""What calls may wait for."""

KINDS = (
    MODELS,
    VERSIONS,
    CHANGES,
    MOVES,
    REVIEWS,
    RULES,
    ROLLOUTS,
    FREEZES,
    LOGGED_MODELS,
    LOCAL_EXPERIMENTS,
    WORKSPACES,
    *WEBHOOK_KINDS,
)


async def every(collection: Collection[T], where: Mapping[str, Scalar]) -> AsyncIterator[T]:
    """All that fit, page by page."""
    cursor: str | None = None
    while True:
        page = await collection.find(where=where, limit=_PAGE, cursor=cursor)
        for one in page.items:
            yield one
        if page.next is None:
            return
        cursor = page.next


class RegistryUnitOfWork(UnitOfWork):
    """What it says is committed together with the messages to the webhooks that want to hear of it.

    heard: called when it has committed something that calls may wait for
    """

    def __init__(self, store: Store, origin: Origin, heard: Callable[[], None] = lambda: None) -> None:
        super().__init__(store, origin)
        self._heard = heard

    async def commit(self) -> None:
        await announce(self, self._change.envelopes)
        await super().commit()
        if any(kind in HEARD for kind, _ in self._saved):
            self._heard()

    @property
    def models(self) -> Collection[RegisteredModel]:
        return self.collection(MODELS)

    @property
    def versions(self) -> Collection[VersionDocument]:
        return self.collection(VERSIONS)

    @property
    def changes(self) -> Collection[Change]:
        return self.collection(CHANGES)

    @property
    def moves(self) -> Collection[AliasMove]:
        return self.collection(MOVES)

    @property
    def reviews(self) -> Collection[ReviewDocument]:
        return self.collection(REVIEWS)

    @property
    def rules(self) -> Collection[PromotionRules]:
        return self.collection(RULES)

    @property
    def rollouts(self) -> Collection[Rollout]:
        return self.collection(ROLLOUTS)

    @property
    def freezes(self) -> Collection[Freeze]:
        return self.collection(FREEZES)

    @property
    def webhooks(self) -> Collection[Webhook]:
        return self.collection(WEBHOOKS)

    @property
    def deliveries(self) -> Collection[Delivery]:
        return self.collection(DELIVERIES)

    @property
    def wishes(self) -> Collection[Wishes]:
        return self.collection(WISHES)

    @property
    def logged_models(self) -> Collection[LoggedModel]:
        return self.collection(LOGGED_MODELS)

    @property
    def local_experiments(self) -> Collection[LocalExperiment]:
        return self.collection(LOCAL_EXPERIMENTS)

    @property
    def workspaces(self) -> Collection[Workspace]:
        """Those that were dropped at least once."""
        return self.collection(WORKSPACES)

    async def workspace_of(self, key: str) -> Workspace | None:
        """Of a model's key. None: it was never dropped, as the default one never is."""
        name = key.rpartition("/")[0]
        return await self.workspaces.get(name) if name else None

    async def model_there(self, key: str) -> RegisteredModel | None:
        """None for one that was deleted, or went with its workspace."""
        model = await self.models.get(key)
        if model is None or model.deleted or is_gone(model.created_at, await self.workspace_of(key)):
            return None
        return model

    async def live_model(self, key: str) -> RegisteredModel:
        """Raises NotThere, for one that was deleted too."""
        model = await self.model_there(key)
        if model is None:
            raise no_model(name_in(key))
        return model

    async def live_version(self, model: str, version: int) -> VersionDocument:
        """Raises NotThere, for one that was deleted too."""
        found = await self.versions.get(version_id(model, version))
        if found is None or found.deleted or is_gone(found.created_at, await self.workspace_of(model)):
            raise no_version(name_in(model), version)
        return found

    async def live_versions(self, model: str) -> list[VersionDocument]:
        """All that a model has, in the order of their first saving."""
        workspace = await self.workspace_of(model)
        found = [one async for one in every(self.versions, {"model": model}) if not one.deleted]
        return [one for one in found if not is_gone(one.created_at, workspace)]

    async def remembered(self, model: str) -> list[Change]:
        """All that was changed of it since its workspace began, in its order."""
        workspace = await self.workspace_of(model)
        return [one async for one in every(self.changes, {"model": model}) if not is_gone(one.at, workspace)]

    async def version_of_run(self, run_id: str) -> VersionDocument | None:
        """The version that a run became; a run becomes at most one."""
        page = await self.versions.find(where={"run_id": run_id}, limit=1)
        return page.items[0] if page.items else None
