"""What batches need of the world: replicas that score rows, and an artifact store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from murmur_deployer.domain.replicas import Replica
from murmur_events.values import Artifact

Matrix = npt.NDArray[np.float64]
"""Rows and columns; not a number where a value is missing."""


class RowsRefused(Exception):
    """The model server does not take these rows, and says why."""


class ReplicaAway(Exception):
    """Nobody answered, or not as the replica that was asked: it may be starting again."""


class Scorer(Protocol):
    async def score(
        self, replica: Replica, request_id: str, columns: Sequence[str], rows: Matrix
    ) -> Sequence[float | None]:
        """An output a row, None where the model gave none; each is in the prediction log, marked as a batch's.

        Raises RowsRefused or ReplicaAway; in the latter case the rows may be in the log or not. An answer may take any
        time: whoever asks gives up.
        """


class ArtifactFiles(Protocol):
    """Raises ArtifactMissing, ArtifactCorrupt, Transient."""

    async def put_file(self, path: Path) -> Artifact: ...

    async def fetch(self, artifact: Artifact, to: Path) -> Path: ...

    def own(self, artifact: Artifact, *, suffix: str) -> Artifact: ...
