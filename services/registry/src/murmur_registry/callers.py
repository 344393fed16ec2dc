"""Who calls at the registry's own door, what they may, and why they call."""

from murmur_kernel.auth import Caller, Identity, Role
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Via
from murmur_registry.domain.refusals import NotAllowed


def because(identity: Identity, named: str | None, reason: str, *, via: Via = Via.REST) -> Because:
    """Raises SomebodyElse, Unnamed."""
    return Because(identity.signs_as(named), reason, via, roles_of(identity))


def roles_of(identity: Identity) -> frozenset[str] | None:
    """None where nobody is asked for a token."""
    return None if identity.person is None else frozenset(role.value for role in identity.person.roles)


async def let_in(identity: Caller) -> None:
    """For what moves aliases and stages: authors and approvers ask for it. Which of them may is the model's rule, so
    that the route lets either in. Raises NotAllowed."""
    person = identity.person
    if person is not None and not (person.may(Role.AUTHOR) or person.may(Role.APPROVER)):
        held = ", ".join(sorted(role.value for role in person.roles))
        raise NotAllowed(f"{person.subject!r} has the role {held}, and this needs 'author', or 'approver' by a rule")
