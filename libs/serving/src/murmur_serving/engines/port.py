"""What every engine does: rows in, one number a row out. Engines know nothing of MLServer."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Outputs = npt.NDArray[np.float64]


class Unfit(Exception):
    """The bytes are no model of this format, or not the one of the signature. Completes `version 3 of 'credit' …`."""


class Predictor(Protocol):
    @property
    def takes_missing(self) -> bool:
        """Whether a value may be NaN."""

    def predict(self, rows: Matrix) -> Outputs:
        """rows [n, columns] in the signature's order, NaN where a value is missing; outputs [n].

        Outputs of float32 engines are float32 numbers. What an engine raises on checked rows is a fault of the model.
        """
