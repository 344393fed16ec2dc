"""Which role may do what: the one table of roles, and the decision that is made with it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Each of the last three includes the first; none of them includes another.

    They are apart so that who makes a model is not, by that, who lets it serve, nor who mends the flock. A person may
    hold several.
    """

    VIEWER = "viewer"
    """Reads everything: runs, models, reports, windows, alerts, dead letters."""
    AUTHOR = "author"
    """Applies workflows and asks for trainings."""
    APPROVER = "approver"
    """Decides reviews: approves and refuses versions."""
    OPERATOR = "operator"
    """Redrives, edits and discards dead letters, freezes and unfreezes."""


@dataclass(frozen=True)
class Person:
    """Somebody who has shown a token. `subject` is who they are, and what is written down of what they do."""

    subject: str
    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Whether something that needs `role` may be done: whoever holds any role may read."""
        return role in self.roles or (role is Role.VIEWER and bool(self.roles))
