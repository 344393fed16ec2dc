"""Who may let an alias name which version: the rules that people give a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ANYBODY = "author"
"""The role that moves what no rule guards."""


@dataclass(frozen=True, kw_only=True)
class AliasRule:
    """role: who may move the alias. tags: what must stand on a version before the alias may name it."""

    role: str = "approver"
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One rule an alias. A stage is guarded by the rule of the alias of its name, in small letters."""

    aliases: Mapping[str, AliasRule] = field(default_factory=dict)

    def of(self, alias: str) -> AliasRule | None:
        return self.aliases.get(alias)

    def guarding_tag(self, key: str) -> AliasRule | None:
        """The rule that asks for this tag: whoever could write it freely would decide who passes."""
        return next((rule for rule in self.aliases.values() if key in rule.tags), None)

    @property
    def all(self) -> tuple[AliasRule | None, ...]:
        """What guards the model as a whole, None where nothing does: whoever deletes it takes its rules away."""
        return tuple(self.aliases.values()) or (None,)


NO_RULES = Rules()


def missing_tags(rule: AliasRule, tags: Mapping[str, str]) -> dict[str, str]:
    """What the rule asks for and the version does not bear."""
    return {key: value for key, value in rule.tags.items() if tags.get(key) != value}
