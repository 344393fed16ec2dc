"""What can go wrong with an import.

Refusal             one call was answered with an error: what it was about is left, and the import goes on
DoorError
├── NotReachable
│   └── Lost        a server does not answer any more: the import ends, and the same command goes on later
└── NoImport        it cannot go on at all: a server that is no MLflow, a token that is refused
"""

from murmur_cli.door import DoorError, NotReachable

AGAIN = "the same command goes on where it stopped: nothing is taken twice"


class Refusal(Exception):
    """code: MLflow's, or the title of a problem; "" where the answer is neither."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message or f"HTTP status {status}")
        self.status = status
        self.code = code

    @property
    def is_absent(self) -> bool:
        """The server has nothing at this address, or no such call."""
        return self.status in (404, 405, 501)


class Lost(NotReachable):
    def __init__(self, address: str, reason: str, advice: str = AGAIN) -> None:
        DoorError.__init__(self, f"{address} does not answer: {reason}")
        self.advice = advice


class NoImport(DoorError):
    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice
