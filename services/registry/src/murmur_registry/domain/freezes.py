"""What operators forbid, as far as the registry follows it: promotion of one workflow's versions, or of all."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

EVERY = "*"


def scopes_of(workflow: str) -> tuple[str, str]:
    """The scopes that hold a workflow's promotions, the narrowest first."""
    return f"promotion/{workflow}", f"promotion/{EVERY}"


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """One scope as of its change number `revision`. `held` are the versions that wait for its end."""

    scope: str
    active: bool
    revision: int
    by: str
    reason: str
    held: tuple[str, ...] = ()

    def holding(self, version: str) -> "Freeze":
        return replace(self, held=(*(one for one in self.held if one != version), version))

    def lifted(self, revision: int, by: str, reason: str) -> "Freeze":
        return replace(self, active=False, revision=revision, by=by, reason=reason, held=())


def is_newer(revision: int, known: Freeze | None) -> bool:
    """Frozen and unfrozen travel on two topics: the higher number is the newer, whichever comes first."""
    return known is None or known.revision < revision


def effective(freezes: Iterable[Freeze | None]) -> Freeze | None:
    """The first that is active; lifting one leaves the others in force."""
    return next((freeze for freeze in freezes if freeze is not None and freeze.active), None)
