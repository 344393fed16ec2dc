"""In which lines the code of several runs differs from that of the first."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Code = Mapping[str, str]
"""Text of each file by its name."""

LONGEST_DIFFERENCE = 2000
"""Lines of one file's difference; what is longer is cut, and says so."""


@dataclass(frozen=True)
class FileDifference:
    """One file of the run at `place` against the same file of the run at `against`, as a unified diff."""

    place: int
    against: int
    file: str
    lines: tuple[str, ...]


def code_difference(codes: Sequence[Code | None]) -> tuple[FileDifference, ...]:
    """Of every run against the first whose code is known; None where a run has kept none, which is no difference."""
    known = [(place, code) for place, code in enumerate(codes) if code is not None]
    if not known:
        return ()
    against, first = known[0]
    found: list[FileDifference] = []
    seen: dict[tuple[str, str | None], tuple[str, ...]] = {}
    for place, code in known[1:]:
        for file in sorted({*first, *code}):
            if first.get(file) != code.get(file):
                version = (file, code.get(file))
                if version not in seen:
                    seen[version] = _lines(file, first.get(file), code.get(file))
                found.append(FileDifference(place, against, file, seen[version]))
    return tuple(found)


def _lines(file: str, before: str | None, after: str | None) -> tuple[str, ...]:
    names = (f"a/{file}" if before is not None else "/dev/null", f"b/{file}" if after is not None else "/dev/null")
    lines = list(difflib.unified_diff((before or "").splitlines(), (after or "").splitlines(), *names, lineterm=""))
    if len(lines) > LONGEST_DIFFERENCE:
        return (*lines[:LONGEST_DIFFERENCE], f"\\ {len(lines) - LONGEST_DIFFERENCE} lines more")
    return tuple(lines)
