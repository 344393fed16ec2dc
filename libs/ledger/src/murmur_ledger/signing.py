"""Checkpoints of a ledger, made with its key and kept beside it."""

import os
from datetime import datetime
from pathlib import Path

from murmur_ledger.checkpoints import Checkpoint, parsed, sign
from murmur_ledger.errors import BadKey
from murmur_ledger.folder import LedgerFolder, write_durably
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
        path = self._folder.checkpoints
        return [parsed(line) for line in path.read_text().splitlines()] if path.exists() else []

    def sign(self, *, ledger: bytes, position: int, head: bytes, at: datetime) -> Checkpoint:
        """On the disk when it returns."""
        made = sign(self._key, ledger=ledger, position=position, head=head, at=at)
        handle = os.open(self._folder.checkpoints, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, (made.line() + "\n").encode())
            os.fdatasync(handle)
        finally:
            os.close(handle)
        return made
