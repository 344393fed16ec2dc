"""What the plots of a report have in common: how models are named and coloured, and how large a drawing is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from murmur_validator.ports import Dossier, Floats, Scores
from murmur_validator.report.figures import Ink

SQUARE = (4.4, 4.0)


@dataclass(frozen=True)
class Plot:
    title: str
    caption: str
    svg: str
    wide: bool = False


@dataclass(frozen=True)
class Names:
    candidate: str
    baseline: str | None

    @classmethod
    def of(cls, dossier: Dossier) -> "Names":
        return cls(f"v{dossier.candidate.version}", f"v{dossier.baseline.version}" if dossier.baseline else None)


def models_of(scores: Scores, names: Names) -> Iterator[tuple[Floats, str, Ink, str]]:
    """Scores, name, colour and line of each model; the baseline first, so that the candidate lies on top."""
    if scores.baseline is not None:
        yield scores.baseline, f"{names.baseline} (baseline)", Ink.BASELINE, "--"
    yield scores.candidate, f"{names.candidate} (candidate)", Ink.CANDIDATE, "-"


def thinned(size: int, *, at_most: int = 400) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """So many places at most, the last among them: a curve of thousands of steps looks no different."""
    return np.unique(np.linspace(0, size - 1, min(size, at_most)).astype(np.intp))
