"""Checkpoints of a ledger, made with its key and kept beside it."""

from datetime import datetime
from pathlib import Path

from murmur_ledger.checkpoints import Checkpoint, parsed, sign
from murmur_ledger.errors import BadKey, LedgerFailed
from murmur_ledger.folder import LedgerFolder, append_line, write_durably
from murmur_ledger.keys import load_or_create, public_from, public_pem


class Notary:
    """Signs how far a ledger has come. Only its writer's process may have one."""

    def __init__(self, folder: LedgerFolder, key_file: Path) -> None:
        """Raises BadKey, also where the ledger was signed with another key before."""
        self._folder = folder
        self._key = load_or_create(key_file)
        self.public_key = public_pem(self._key.public_key())
        if not folder.public_key.exists():
            write_durably(folder.public_key, self.public_key)
        elif public_from(folder.public_key.read_bytes(), folder.public_key) != self._key.public_key():
            raise BadKey(key_file, f"the ledger beside {str(folder.public_key)!r} was signed with another key")

    def known(self) -> list[Checkpoint]:
        """All so far, oldest first. Raises BadCheckpoint."""
        return [parsed(line) for line in self._folder.signed_lines()]

    def sign(self, *, ledger: bytes, position: int, head: bytes, at: datetime) -> Checkpoint:
        """On the disk when it returns. Raises LedgerFailed; then it does not count, and nothing of it is read again."""
        made = sign(self._key, ledger=ledger, position=position, head=head, at=at)
        try:
            append_line(self._folder.checkpoints, made.line().encode())
        except OSError as error:
            raise LedgerFailed(self._folder.path, f"no checkpoint: {error}", reopen=False) from error
        return made
