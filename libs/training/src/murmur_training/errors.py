"""The errors of this library; their tree is in the package's docstring."""

from collections.abc import Sequence


class TrainingError(Exception):
    """Root: something about one training, told in words that its author can act on."""


class DataRejected(TrainingError):
    """The data that load() gave breaks rules; all of them are named, not only the first."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


class CodeRaised(TrainingError):
    """The workflow's own code failed."""


class OutputInvalid(TrainingError):
    """train() came back with something that cannot be served."""


class DataUnreachable(TrainingError):
    """Published data could not be had."""
