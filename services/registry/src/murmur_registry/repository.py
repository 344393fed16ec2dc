"""What the registry keeps: models, versions, alias moves, reviews, roll-outs, freezes, and each revision's rules.

Documents extend the domain's types by what only others need: the state that events carry on, and the chain to continue.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from murmur_events.models import VersionState
from murmur_events.values import Artifact
from murmur_kernel.documents import Kind
from murmur_kernel.unit_of_work import Chain, Collection, UnitOfWork
from murmur_registry.domain.freezes import Freeze
from murmur_registry.domain.models import AliasMove, RegisteredModel
from murmur_registry.domain.reviews import Review
from murmur_registry.domain.versions import ModelVersion


@dataclass(frozen=True, kw_only=True)
class VersionDocument(ModelVersion):
    """`deferred` is where promotion.deferred stands: what is decided when the freeze ends continues there."""

    state: VersionState
    report: Artifact | None = None
    deferred: Chain | None = None


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


def rules_id(workflow: str, revision: int) -> str:
    return f"{workflow}@{revision}"


MODELS = Kind("model", RegisteredModel, key=lambda model: model.name, indexes=("workflow",))
VERSIONS = Kind(
    "version",
    VersionDocument,
    key=lambda version: version_id(version.model, version.version),
    indexes=("model", "version", "status", "run_id"),
)
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

KINDS = (MODELS, VERSIONS, MOVES, REVIEWS, RULES, ROLLOUTS, FREEZES)


class RegistryUnitOfWork(UnitOfWork):
    @property
    def models(self) -> Collection[RegisteredModel]:
        return self.collection(MODELS)

    @property
    def versions(self) -> Collection[VersionDocument]:
        return self.collection(VERSIONS)

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

    async def version_of_run(self, run_id: str) -> VersionDocument | None:
        """The version that a run became; a run becomes at most one."""
        page = await self.versions.find(where={"run_id": run_id}, limit=1)
        return page.items[0] if page.items else None
