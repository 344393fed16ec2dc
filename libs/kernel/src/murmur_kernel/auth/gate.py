"""The decision: from the token that a call shows and the role that its route needs to the person who makes it."""

from murmur_access import Person, Role, TokenFile
from murmur_kernel.errors import KernelError


class AuthError(KernelError):
    """The root of what is answered 401, 403 or 422 because of who calls."""


class NotSignedIn(AuthError):
    """No token, or none that is valid now."""

    def __init__(self, needed: Role, *, shown: bool) -> None:
        why = "the token is unknown, expired or revoked" if shown else "no token was sent"
        super().__init__(
            f"{why}: this needs the role {needed.value!r}. An administrator of this flock makes a token with"
            f" `murmur tokens create --subject <who> --role {needed.value}`; send it as `Authorization: Bearer <token>`"
            f" (the command line takes it from MURMUR_TOKEN)"
        )
        self.needed = needed
        self.shown = shown


class Forbidden(AuthError):
    """Known, and may not do this."""

    def __init__(self, person: Person, needed: Role) -> None:
        held = ", ".join(sorted(role.value for role in person.roles))
        super().__init__(
            f"{person.subject!r} has the role {held} and this needs {needed.value!r}. Ask somebody who has it, or an"
            f" administrator for a token: `murmur tokens create --subject {person.subject} --role {needed.value}`"
        )
        self.needed = needed


class SomebodyElse(AuthError):
    """A call that wants to be written down under another name than the caller's."""

    def __init__(self, subject: str, named: str) -> None:
        super().__init__(
            f"the token belongs to {subject!r} and the call names {named!r}: leave the name out, it is the token's"
        )


class Unnamed(AuthError):
    """Nobody is signed in, because this flock asks nobody, and the call does not say who makes it."""

    def __init__(self) -> None:
        super().__init__("say who does this, in `by`: this flock asks nobody for a token, so it cannot know")


class Gate:
    """Lets persons in by their tokens; without a token file (MURMUR_AUTH=off) everybody, as nobody in particular."""

    def __init__(self, tokens: TokenFile | None) -> None:
        self._tokens = tokens

    def admit(self, token: str | None, needed: Role) -> Person | None:
        """None where nobody is asked. Raises NotSignedIn, Forbidden, TokensUnreadable."""
        if self._tokens is None:
            return None
        person = self._tokens.person(token) if token else None
        if person is None:
            raise NotSignedIn(needed, shown=bool(token))
        if not person.may(needed):
            raise Forbidden(person, needed)
        return person
