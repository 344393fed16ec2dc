"""What counts as equal."""

import numpy as np
import pytest

from murmur_serving.conversion.proof import compare

ROWS = np.zeros((4, 1))
SHA = "0" * 64


def answers(*values: float):
    return lambda rows: np.array(values)


@pytest.mark.parametrize(
    ("given", "serves"),
    [
        ((0.5, 0.1, np.nan, 5e6), True),
        ((0.5 + 9e-7, 0.1, np.nan, 5e6 + 4), True),
        ((0.5 + 2e-6, 0.1, np.nan, 5e6), False),
        ((0.5, 0.1, 0.0, 5e6), False),
        ((0.5, np.nan, np.nan, 5e6), False),
    ],
)
def test_outputs_apart_by_more_than_a_millionth_are_refused(given: tuple[float, ...], serves: bool) -> None:
    original = answers(0.5, 0.1, np.nan, 5e6)
    proof = compare(ROWS, original, answers(*given), onnx_sha256=SHA)
    assert (proof.refusal == "") is serves
    assert (proof.onnx_sha256 == SHA) is serves
