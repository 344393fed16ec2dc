"""The climate workflow's folder, and its story: which settings two researchers try."""

from pathlib import Path

FOLDER = Path(__file__).parent

DATA_SETS = ("seattle", "co2")
"""Those of the story; `elnino` is the third."""
FIRST_GRID: dict[str, list[float]] = {"max_depth": [2, 5], "eta": [0.05]}
SECOND_GRID: dict[str, list[float]] = {"max_depth": [1, 3], "eta": [0.05, 0.2], "subsample": [0.7, 1.0]}
"""Of which a few are drawn at random."""
