"""A registered model: how many versions it has, and which of them its aliases name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class Alias(StrEnum):
    STAGING = "staging"
    """Judged good enough; a person may be asked before it goes on."""
    PRODUCTION = "production"
    """Serves, and is the baseline of every candidate."""


@dataclass(frozen=True, kw_only=True)
class AliasMove:
    """One entry of an alias's history. `revision` counts its moves from 1; `version` None: it names nobody any more."""

    model: str
    alias: Alias
    revision: int
    version: int | None
    replaces: int | None
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """The aggregate that numbers versions and moves aliases; whoever changes either must save it."""

    name: str
    workflow: str
    versions: int
    """How many have been numbered; the newest bears this number."""
    created_at: datetime
    updated_at: datetime
    aliases: Mapping[Alias, AliasMove] = field(default_factory=dict)
    """The last move of each alias that ever moved."""

    def named_by(self, alias: Alias) -> int | None:
        """The version that the alias names, or None."""
        move = self.aliases.get(alias)
        return move.version if move else None

    @property
    def baseline(self) -> int | None:
        """What a candidate must beat: the version in production."""
        return self.named_by(Alias.PRODUCTION)

    def numbered(self, at: datetime) -> "RegisteredModel":
        """With one version more."""
        return replace(self, versions=self.versions + 1, updated_at=at)

    def move(self, alias: Alias, to: int | None, *, by: str, reason: str, at: datetime) -> AliasMove:
        """The alias's next move; `after` carries it out."""
        last = self.aliases.get(alias)
        return AliasMove(
            model=self.name,
            alias=alias,
            revision=last.revision + 1 if last else 1,
            version=to,
            replaces=last.version if last else None,
            by=by,
            reason=reason,
            at=at,
        )

    def after(self, move: AliasMove) -> "RegisteredModel":
        return replace(self, aliases={**self.aliases, move.alias: move}, updated_at=move.at)
