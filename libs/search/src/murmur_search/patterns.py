"""LIKE's patterns, read once and written as each engine has them: a regular expression, and SQLite's GLOB.

ILIKE takes a letter's two cases for the same by itself (`ä` is `Ä`; `ß` has no other form). Writing both in a class
gives one meaning everywhere: engines differ in what they hold for the same letter when they are asked to ignore case.
"""

import re
from functools import lru_cache


def _cases(character: str) -> str:
    forms = {character, character.lower(), character.upper()}
    return "".join(sorted(form for form in forms if len(form) == 1))


def regex(pattern: str, *, any_case: bool) -> str:
    """For Python and PCRE alike, anchored at the start; the end is the caller's, since it is written differently."""
    parts: list[str] = []
    for character in pattern:
        if character == "%":
            if not parts or parts[-1] != r"[\s\S]*":
                parts.append(r"[\s\S]*")
        elif character == "_":
            parts.append(r"[\s\S]")
        else:
            forms = _cases(character) if any_case else character
            parts.append(re.escape(forms) if len(forms) == 1 else f"[{forms}]")
    return "^" + "".join(parts)


@lru_cache(1024)
def matcher(pattern: str, any_case: bool) -> re.Pattern[str]:
    return re.compile(regex(pattern, any_case=any_case) + r"\Z")


def glob(pattern: str, *, any_case: bool) -> str:
    parts: list[str] = []
    for character in pattern:
        if character == "%":
            if not parts or parts[-1] != "*":
                parts.append("*")
        elif character == "_":
            parts.append("?")
        else:
            forms = _cases(character) if any_case else character
            parts.append(f"[{forms}]" if len(forms) > 1 or character in "*?[" else character)
    return "".join(parts)


def prefix(pattern: str) -> str:
    """What every match begins with: by it an index can be entered."""
    return re.split("[%_]", pattern, maxsplit=1)[0]
