"""Who asks the registry for something, why, at which door, and what they may."""

from dataclasses import dataclass

from murmur_registry.domain.models import Via
from murmur_registry.domain.refusals import NotAllowed
from murmur_registry.domain.rules import ANYBODY, AliasRule

THE_REGISTRY = "registry"
"""Who did it when no person did."""


@dataclass(frozen=True)
class Because:
    """Who moves or writes something, and why. `roles` None: nobody is asked for a token, or nobody but the registry
    acts."""

    by: str
    reason: str
    via: Via = Via.EVENT
    roles: frozenset[str] | None = None

    def may(self, role: str) -> bool:
        return self.roles is None or role in self.roles

    def must_hold(self, role: str, what: str) -> None:
        """Raises NotAllowed, which names the rule."""
        if not self.may(role):
            held = ", ".join(sorted(self.roles or ())) or "none"
            raise NotAllowed(
                f"{what} needs the role {role!r}, and {self.by!r} has {held}: ask somebody who has it, or an"
                f" administrator for a token"
            )

    def must_satisfy(self, rule: AliasRule | None, what: str) -> None:
        """The role that the rule asks for; where there is none, whoever writes models. Raises NotAllowed."""
        self.must_hold(rule.role if rule else ANYBODY, what)
