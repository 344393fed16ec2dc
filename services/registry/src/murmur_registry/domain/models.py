"""A registered model: how many versions it has, which of them its aliases name, and what people have written on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from murmur_mlflow.workspaces import DEFAULT
from murmur_registry.domain.rules import NO_RULES, Rules


class Alias(StrEnum):
    """The two aliases that promotion moves. A model may have any number of others."""

    STAGING = "staging"
    """Judged good enough; a person may be asked before it goes on."""
    PRODUCTION = "production"
    """Serves, and is the baseline of every candidate."""


class Via(StrEnum):
    """At which door something was asked for."""

    EVENT = "event"
    """At none: the registry followed from what it heard."""
    REST = "rest"
    MLFLOW = "mlflow"
    """MLflow's protocol, whose clients have no field for a reason."""


def model_key(workspace: str, name: str) -> str:
    """What identifies a model: names are unique within a workspace, and hold no slash."""
    return name if workspace == DEFAULT else f"{workspace}/{name}"


def name_in(key: str) -> str:
    return key.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """From where in which chain something followed; `event_id` None: a person's call, which began the chain."""

    correlation_id: str
    event_id: str | None


@dataclass(frozen=True, kw_only=True)
class AliasMove:
    """One entry of an alias's history. `revision` counts its moves from 1; `version` None: it names nobody any more."""

    model: str
    alias: str
    revision: int
    version: int | None
    replaces: int | None
    by: str
    reason: str
    at: datetime
    via: Via = Via.EVENT
    cause: Cause | None = None


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """The aggregate that numbers versions and moves aliases; whoever changes either must save it.

    workflow: whose model it is: what its runs make is validated before it may serve. None: clients make its versions
    deleted:  its name is free; what was remembered of it stays
    """

    name: str
    workspace: str = DEFAULT
    workflow: str | None = None
    versions: int
    """How many have been numbered; the newest bears this number."""
    created_at: datetime
    updated_at: datetime
    aliases: Mapping[str, AliasMove] = field(default_factory=dict)
    """The last move of each alias that ever moved."""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    rules: Rules = NO_RULES
    deleted: bool = False

    @property
    def key(self) -> str:
        return model_key(self.workspace, self.name)

    @property
    def elsewhere(self) -> str | None:
        """Its workspace, None in the default one: the form in which it is found."""
        return None if self.workspace == DEFAULT else self.workspace

    def named_by(self, alias: str) -> int | None:
        """The version that the alias names, or None."""
        move = self.aliases.get(alias)
        return move.version if move else None

    @property
    def named(self) -> dict[str, int]:
        """The version that each alias names, where it names one."""
        return {alias: move.version for alias, move in self.aliases.items() if move.version is not None}

    def aliases_of(self, version: int) -> list[str]:
        return [alias for alias, named in self.named.items() if named == version]

    @property
    def baseline(self) -> int | None:
        """What a candidate must beat: the version in production."""
        return self.named_by(Alias.PRODUCTION)

    def numbered(self, at: datetime, number: int | None = None) -> "RegisteredModel":
        """With one version more: the next one, or the one of this number."""
        return replace(self, versions=max(self.versions, number or self.versions + 1), updated_at=at)

    def move(
        self,
        alias: str,
        to: int | None,
        *,
        by: str,
        reason: str,
        at: datetime,
        via: Via = Via.EVENT,
        cause: Cause | None = None,
    ) -> AliasMove:
        """The alias's next move; `after` carries it out."""
        last = self.aliases.get(alias)
        return AliasMove(
            model=self.key,
            alias=alias,
            revision=last.revision + 1 if last else 1,
            version=to,
            replaces=last.version if last else None,
            by=by,
            reason=reason,
            at=at,
            via=via,
            cause=cause,
        )

    def after(self, move: AliasMove) -> "RegisteredModel":
        return replace(self, aliases={**self.aliases, move.alias: move}, updated_at=move.at)
