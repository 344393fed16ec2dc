"""What counts as equal."""

import numpy as np
import pytest

from murmur_serving.conversion.proof import LARGEST_CALL, compare
from murmur_serving.engines.choosing import BATCH_FROM

ROWS = np.arange(4.0).reshape(4, 1)
SHA = "0" * 64


def answers(*values: float):
    """By the number that stands in a row."""
    return lambda rows: np.array(values)[rows[:, 0].astype(int)]


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


@pytest.mark.parametrize("wrong", [np.nan, 0.6])
@pytest.mark.parametrize("size", [1, 7, LARGEST_CALL])
def test_an_engine_that_errs_in_calls_of_one_size_only_is_refused(size: int, wrong: float) -> None:
    def original(rows: np.ndarray) -> np.ndarray:
        return np.full(len(rows), 0.5)

    def errs(rows: np.ndarray) -> np.ndarray:
        return np.full(len(rows), wrong if len(rows) == size else 0.5)

    rows = np.zeros((20_000, 1))
    assert "otherwise than XGBoost" in compare(rows, original, errs, onnx_sha256=SHA).refusal
    assert compare(rows, original, original, onnx_sha256=SHA).refusal == ""


def test_it_is_never_asked_about_more_rows_than_it_serves() -> None:
    asked = []

    def answer(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return np.full(len(rows), 0.5)

    compare(np.zeros((1000, 1)), lambda rows: np.full(len(rows), 0.5), answer, onnx_sha256=SHA)
    assert (min(asked), max(asked)) == (1, BATCH_FROM - 1)
