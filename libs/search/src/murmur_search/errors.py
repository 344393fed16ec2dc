"""What can be wrong with a search.

SearchRefused
├── FilterRefused   a filter or an order that cannot be read, with the place of the trouble
└── TokenRefused    a page token that is not one, or is of another search
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SearchRefused(Exception):
    """The caller's mistake, told so that it can be mended."""


class FilterRefused(SearchRefused):
    """Points at the place: `line` and `column` count from 1; `position` and `end` are offsets in `text`."""

    def __init__(self, text: str, position: int, reason: str, *, end: int | None = None, hint: str = "") -> None:
        self.text = text
        self.position = min(position, len(text))
        self.end = max(self.position + 1, end or 0)
        self.reason = reason
        self.hint = hint
        before = text[: self.position]
        self.line = before.count("\n") + 1
        self.column = self.position - (before.rfind("\n") + 1) + 1
        super().__init__(self._message())

    def _message(self) -> str:
        """The reason, the line that it is about, and a caret under the place."""
        line = self.text.split("\n")[self.line - 1].rstrip("\r")
        start = max(0, self.column - 60)  # a long line is shown around the place alone
        shown = line[start : start + 100]
        carets = "^" * max(1, min(self.end - self.position, start + len(shown) - (self.column - 1)))
        pad = "".join("\t" if character == "\t" else " " for character in shown[: self.column - 1 - start])
        said = f"{self.reason} {self.hint}".rstrip()
        return f"{said}\nline {self.line}, column {self.column}:\n  {shown}\n  {pad}{carets}"


class TokenRefused(SearchRefused):
    def __init__(self, token: str, reason: str) -> None:
        self.token = token
        super().__init__(f"Invalid page token {token[:80]!r}: {reason} Start again without a page token.")


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """ "Did you mean 'metrics'?", or nothing where no known name is near."""
    names = list(known)
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    return f"Did you mean {folded[near[0]]!r}?" if near else ""
