"""What a validation needs of the world outside: files, measurements, a report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from murmur_events.models import VersionState
from murmur_events.values import Artifact
from murmur_events.workflows import DataSection
from murmur_validator.domain.judgement import Judgement, Rules
from murmur_validator.domain.measurements import Measurements

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Material:
    """What is measured: verified bytes of models and holdout, and how to read them.

    data, baseline_data: what the workflow said of its data when the candidate and when the baseline were trained
    """

    candidate: VersionState
    candidate_model: bytes
    baseline: VersionState | None
    baseline_model: bytes | None
    holdout: bytes
    data: DataSection
    baseline_data: DataSection | None
    rules: Rules


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Label and probabilities of every row of the holdout, in its order.

    at_stake: what each row costs that is positive and not flagged; None where the workflow gives no costs
    """

    labels: Floats
    candidate: Floats
    baseline: Floats | None
    at_stake: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """resamples: how many the intervals come from."""

    measurements: Measurements
    scores: Scores
    resamples: int


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """All that a report tells. evidence: None where the candidate could not be judged."""

    candidate: VersionState
    baseline: VersionState | None
    rules: Rules
    judgement: Judgement
    evidence: Evidence | None
    judged_at: datetime


class Artifacts(Protocol):
    async def read_bytes(self, artifact: Artifact) -> bytes:
        """Verified bytes. Raises ArtifactMissing, ArtifactCorrupt or Transient."""
        ...

    async def put_bytes(self, data: bytes, *, suffix: str = "") -> Artifact: ...


class Evaluator(Protocol):
    async def measure(self, material: Material) -> Evidence:
        """Scores both models on the same rows, away from the event loop. Raises Unjudgeable."""
        ...


class Reporter(Protocol):
    async def render(self, dossier: Dossier) -> bytes:
        """One self-contained HTML file, UTF-8. The same dossier gives the same bytes."""
        ...
