"""Who is signed in: tokens by session, in this process's memory only. A restart signs everybody out."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nicegui import ui

from murmur_access import Person, Role, TokenFile
from murmur_kernel.clock import Clock

COOKIE = "murmur_session"
LONGEST = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    token: str
    person: Person
    ends: datetime


Cookies = Mapping[str, str]


def cookies_of_page() -> Cookies | None:
    """Of the page that is being built or answered; None in a task of the console's own."""
    try:
        request = ui.context.client.request
    except RuntimeError:
        return None
    return request.cookies if request is not None else {}


class Sessions:
    """Without a token file nobody need sign in."""

    def __init__(
        self, tokens: TokenFile | None, clock: Clock, *, page: Callable[[], Cookies | None] = cookies_of_page
    ) -> None:
        self._page = page
        self._tokens = tokens
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    @property
    def needed(self) -> bool:
        return self._tokens is not None

    def open(self, token: str) -> str | None:
        """The new session's id, which only the browser gets to know; None for a token that is not valid.

        Raises TokensUnreadable.
        """
        person = self._tokens.person(token) if self._tokens else None
        if person is None:
            return None
        session_id = secrets.token_urlsafe(32)
        self._sessions[session_id] = Session(token, person, self._clock.now() + LONGEST)
        return session_id

    def close(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def of(self, cookies: Cookies) -> Session | None:
        """Whose browser this is, as long as the token lives: roles are those that it has now."""
        session_id = cookies.get(COOKIE, "")
        session = self._sessions.get(session_id)
        if session is None or self._tokens is None:
            return None
        person = self._tokens.person(session.token)
        if person is None or session.ends <= self._clock.now():
            self.close(session_id)
            return None
        return Session(session.token, person, session.ends)

    def here(self) -> Session | None:
        """Whose page is being built, or whose click is being answered, right now."""
        cookies = self._page()
        return self.of(cookies) if cookies is not None else None

    def token(self) -> str | None:
        """The token to call services with: of the person whose page it is, none once they are signed out; for what the
        console itself reads and shows to everybody, of the one who signed in last. Nobody signed in: nothing is read.
        """
        session = self.here()
        if session is None and self._sessions and self._page() is None:
            session = self.of({COOKIE: next(reversed(self._sessions))})
        return session.token if session else None

    def signer(self) -> str:
        """In whose name it is decided here; nobody's where nobody is asked."""
        session = self.here()
        return session.person.subject if session else ""

    def lacks(self, role: Role) -> str | None:
        """Why the person here may not do what needs this role, in words for them; None when they may."""
        session = self.here()
        if not self.needed or session is None or session.person.may(role):
            return None
        held = ", ".join(sorted(session.person.roles))
        return f"This needs the role {role.value}; {session.person.subject} has {held}."
