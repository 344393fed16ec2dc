"""The identity of the call being answered, for what is written down of it."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends

from murmur_access import Person
from murmur_kernel.auth.gate import SomebodyElse, Unnamed


@dataclass(frozen=True)
class Identity:
    """`person` is None where nobody is asked for a token."""

    person: Person | None = None

    def signs_as(self, named: str | None, *, otherwise: str | None = None) -> str:
        """The name to be written down. `named` is what the call itself says, `otherwise` what is written of nobody.

        Raises SomebodyElse when it is not the token's, Unnamed when there is neither.
        """
        if self.person is None:
            if name := named or otherwise:
                return name
            raise Unnamed
        if named and named != self.person.subject:
            raise SomebodyElse(self.person.subject, named)
        return self.person.subject

    def scoped(self, key: str) -> str:
        """A key that a caller chose, as nobody else can choose it."""
        return f"{quote(self.person.subject, safe='')}/{key}" if self.person else key


NOBODY = Identity()

caller: ContextVar[Identity] = ContextVar("caller", default=NOBODY)
"""Set by the route's `allows(...)`, before anything of the call is done."""


def _current() -> Identity:
    return caller.get()


async def _of_this_call() -> Identity:
    return _current()


Caller = Annotated[Identity, Depends(_of_this_call)]
"""The parameter of a route that wants to know who calls."""
