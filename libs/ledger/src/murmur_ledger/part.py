"""What a part of a ledger states of itself: from where to where it goes, and the hashes at its edges."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Part:
    """previous: the hash that the entry at `first` follows; head: the hash of the entry at `last`; both hex."""

    first: int
    last: int
    previous: str
    head: str
    correlation: str

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")) + "\n"


def read_part(path: Path) -> Part:
    """Raises ValueError unless it stands there in its one canonical form."""
    text = path.read_bytes().decode(errors="replace")
    try:
        part = Part(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ValueError(f"it cannot be read: {error}") from None
    if part.text() != text:
        raise ValueError("it is not in the form in which it was written")
    return part
