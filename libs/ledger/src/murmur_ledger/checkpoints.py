"""Signed statements of how far the chain had come: one kept elsewhere finds what was cut off or rewritten since."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from murmur_ledger.errors import BadCheckpoint
from murmur_ledger.keys import key_id

_FIELDS = ("at", "head", "key", "ledger", "position", "signature")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """`ledger` is the hash that the first entry follows, `head` the hash of the entry at `position`; all hex."""

    ledger: str
    position: int
    head: str
    at: str
    key: str
    signature: str = ""

    @property
    def signed_text(self) -> bytes:
        lines = ("murmur-ledger-checkpoint/1", self.ledger, str(self.position), self.head, self.at, self.key)
        return ("\n".join(lines) + "\n").encode()

    def line(self) -> str:
        """Its one canonical form: JSON, names sorted, no blanks."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(bytes.fromhex(self.signature), self.signed_text)
        except (InvalidSignature, ValueError):
            return False
        return True


def sign(key: Ed25519PrivateKey, *, ledger: bytes, position: int, head: bytes, at: datetime) -> Checkpoint:
    unsigned = Checkpoint(
        ledger=ledger.hex(), position=position, head=head.hex(), at=at.isoformat(), key=key_id(key.public_key())
    )
    return Checkpoint(**{**asdict(unsigned), "signature": key.sign(unsigned.signed_text).hex()})


def parsed(line: str) -> Checkpoint:
    """Only the canonical form is taken, so that no character can change unseen. Raises BadCheckpoint."""
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise BadCheckpoint(line, str(error)) from None
    if not isinstance(fields, dict) or tuple(sorted(fields)) != _FIELDS:
        raise BadCheckpoint(line, f"it must have exactly the fields {', '.join(_FIELDS)}")
    for name, value in fields.items():
        if type(value) is not (int if name == "position" else str):
            raise BadCheckpoint(line, f"{name} is {value!r}: position must be a number, all else text")
    found = Checkpoint(**fields)
    if found.line() != line or not re.fullmatch("[0-9a-f]{128}", found.signature):
        raise BadCheckpoint(line, "it is not in canonical form")
    return found


def newest(checkpoints: Iterable[Checkpoint]) -> Checkpoint | None:
    return max(checkpoints, key=lambda one: one.position, default=None)
