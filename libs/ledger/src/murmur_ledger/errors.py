"""Everything that can go wrong with a ledger, as one tree.

LedgerError
├── NotALedger       the folder or file holds none
├── LedgerBusy       another process appends to it
├── LedgerDamaged    what is there is not what was appended: verify it; nothing was changed
├── LedgerFailed     the disk refused an append, a sync or a checkpoint; nothing of it counts
├── BadContent       the bytes of an entry do not have the form of any kind of content
├── BadCheckpoint    a text is not a checkpoint in its canonical form
└── BadKey           a file does not hold the key that it should
"""


class LedgerError(Exception):
    """The root."""


class NotALedger(LedgerError):
    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{str(path)!r} holds no ledger: {why}")


class LedgerBusy(LedgerError):
    def __init__(self, path: object) -> None:
        super().__init__(f"another process appends to the ledger in {str(path)!r}: one writer a ledger")


class LedgerDamaged(LedgerError):
    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"the ledger in {str(path)!r} is not what was appended: {why}. Locate it with `murmur audit verify`;"
            f" to go on with a new one, move this folder away and keep it"
        )


class LedgerFailed(LedgerError):
    """Nothing of the batch or checkpoint counts. `reopen`: what the disk holds is known only once it is opened anew."""

    def __init__(self, path: object, why: str, *, reopen: bool) -> None:
        super().__init__(f"the disk refuses the ledger in {str(path)!r}: {why}")
        self.reopen = reopen


class BadContent(LedgerError):
    def __init__(self, why: str) -> None:
        super().__init__(f"not the content of an entry: {why}")


class BadCheckpoint(LedgerError):
    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text[:80]!r} is not a checkpoint: {why}")


class BadKey(LedgerError):
    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{str(path)!r} does not hold an Ed25519 key in PEM form: {why}")
