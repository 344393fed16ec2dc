"""How charts are laid out: round numbers, honest gaps, one axis for all."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from murmur_console.domain.charts import (
    Line,
    Mark,
    Point,
    axis,
    chart,
    line,
    number_words,
    spans,
    tick_words,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def points(values: dict[int, float]) -> list[Point]:
    """By minute after noon."""
    return [Point(NOON + number * MINUTE, NOON + (number + 1) * MINUTE, value) for number, value in values.items()]


def test_a_line_is_interrupted_where_nothing_was_measured() -> None:
    drawn = line("v1", 0, points({0: 1.0, 1: 2.0, 5: 3.0}))
    assert [[point.value for point in part] for part in drawn.parts] == [[1.0, 2.0], [3.0]]


def test_points_may_come_in_any_order_and_what_is_no_number_is_left_out() -> None:
    drawn = line("v1", 5, points({2: 3.0, 0: 1.0, 1: float("nan")}))
    assert [[point.value for point in part] for part in drawn.parts] == [[1.0], [3.0]]
    assert drawn.style == 1


@pytest.mark.parametrize(
    ("values", "from_zero", "expected"),
    [
        ({0: 0.0}, True, (0.0, 1.0)),
        ({0: 180.0, 1: 282.0}, True, (0.0, 300.0)),
        ({0: 6.4}, True, (0.0, 8.0)),
        ({0: 0.71, 1: 0.74}, False, (0.71, 0.74)),
        ({0: 0.5}, False, (0.4, 1.0)),
        ({0: -2.0, 1: 3.0}, False, (-2.0, 4.0)),
    ],
)
def test_the_scale_holds_all_values_between_round_numbers(
    values: dict[int, float], from_zero: bool, expected: tuple[float, float]
) -> None:
    over = axis(NOON, NOON + 10 * MINUTE)
    drawn = chart("p99", "ms", over, [line("v1", 0, points(values))], (), from_zero=from_zero)
    assert drawn.bottom <= min(values.values())
    assert drawn.top >= max(values.values())
    assert (drawn.ticks[0], drawn.ticks[-1]) == (drawn.bottom, drawn.top)
    assert 2 <= len(drawn.ticks) <= 7
    assert (drawn.bottom, drawn.top) == pytest.approx(expected)


def test_an_interval_is_within_the_scale() -> None:
    spread = Point(NOON, NOON + MINUTE, 0.7, 0.4, 0.9)
    drawn = chart("Quality", "", axis(NOON, NOON + MINUTE), [Line("v1", 0, ((spread,),))], (), from_zero=False)
    assert drawn.bottom <= 0.4
    assert drawn.top >= 0.9


def test_what_lies_outside_the_axis_is_not_drawn() -> None:
    over = axis(NOON + 2 * MINUTE, NOON + 4 * MINUTE)
    marks = (Mark(1, NOON, "deployed", "v1"), Mark(2, NOON + 3 * MINUTE, "drift", "drift"))
    drawn = chart("p99", "ms", over, [line("v1", 0, points({0: 900.0, 2: 4.0}))], marks)
    assert [point.value for part in drawn.lines[0].parts for point in part] == [4.0]
    assert drawn.top < 10
    assert [mark.number for mark in drawn.marks] == [2]


@pytest.mark.parametrize("minutes", [1, 15, 60, 360, 1_440, 100_000, 3_000_000])
def test_an_axis_has_a_few_round_moments(minutes: int) -> None:
    ticks = axis(NOON, NOON + minutes * MINUTE).ticks
    assert 1 <= len(ticks) <= 7
    assert len({later - earlier for earlier, later in pairwise(ticks)}) <= 1


def test_numbers_in_words() -> None:
    assert tick_words([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert tick_words([0.0, 500.0, 1000.0]) == ["0", "500", "1,000"]
    assert tick_words([0.0, 2.5, 5.0]) == ["0.0", "2.5", "5.0"]
    assert [number_words(value) for value in (0.0, 0.04123, 6.4, 231.4, 1240.4)] == [
        "0",
        "0.0412",
        "6.4",
        "231",
        "1,240",
    ]


def test_an_unknown_span_is_the_usual_one() -> None:
    assert spans("a year") == timedelta(hours=1)
    assert spans("all") is None
