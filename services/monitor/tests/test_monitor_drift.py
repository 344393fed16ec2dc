"""Drift is found where the truth has drifted, not where it has not, and by both engines alike."""

import numpy as np
import pytest
from monitor_facts import COLUMNS, People

from murmur_monitor.detection import detector_for
from murmur_monitor.detection.alibi_engine import AlibiDetector
from murmur_monitor.detection.scipy_engine import ScipyDetector
from murmur_monitor.domain.comparison import Amounts, Groups, NothingToCompare, Reference, pairs
from murmur_monitor.domain.drift import ColumnTest, judge
from murmur_monitor.domain.folding import FloatArray, Sample
from murmur_monitor.ports import DriftDetector

ERROR_RATE = 0.001


@pytest.fixture(scope="module", params=["scipy", "alibi"])
def detector(request: pytest.FixtureRequest) -> DriftDetector:
    detector = detector_for(request.param)
    detector.load()
    return detector


def reference(rows: FloatArray) -> Reference:
    return Reference(COLUMNS, frozenset({"education"}), rows.astype(np.float32))


def sample(rows: FloatArray) -> Sample:
    return Sample(COLUMNS, np.arange(len(rows), dtype=np.uint64), rows.astype(np.float32))


def drifted(
    detector: DriftDetector, before: FloatArray, now: FloatArray, *, error_rate: float = ERROR_RATE
) -> set[str]:
    tests = detector.test(pairs(reference(before), sample(now)))
    return set(judge(tests, error_rate=error_rate).drifted)


def test_a_stable_window_has_no_drift(detector: DriftDetector) -> None:
    people = People(1)
    assert drifted(detector, people.rows(4000), people.rows(800)) == set()


def test_a_shifted_amount_is_named_with_the_output_it_moves(detector: DriftDetector) -> None:
    people = People(2)
    assert drifted(detector, people.rows(4000), people.rows(800, shift=0.5)) == {"amount", "prediction"}


def test_a_spread_without_a_shift_is_found(detector: DriftDetector) -> None:
    people = People(3)
    assert drifted(detector, people.rows(4000), people.rows(800, scale=1.5)) == {"income"}


def test_another_mix_of_categories_is_found(detector: DriftDetector) -> None:
    people = People(4)
    found = drifted(detector, people.rows(4000), people.rows(800, education=(0.2, 0.4, 0.3, 0.1)))
    assert "education" in found
    assert "income" not in found


def test_a_new_category_is_found(detector: DriftDetector) -> None:
    people = People(5)
    now = people.rows(800)
    now[:100, 2] = 9
    assert "education" in drifted(detector, people.rows(4000), now)


def test_values_that_go_missing_are_found(detector: DriftDetector) -> None:
    people = People(6)
    now = people.rows(800)
    now[:60, 1] = np.nan
    assert drifted(detector, people.rows(4000), now) == {"income is missing"}


def test_false_alarms_are_as_rare_as_asked_for() -> None:
    """At an error rate of 5 % a window, 400 stable windows: 20 are expected, at most 31 are within 2.5 deviations."""
    people, detector = People(7), ScipyDetector()
    before = people.rows(4000)
    alarms = sum(bool(drifted(detector, before, people.rows(500), error_rate=0.05)) for _ in range(400))
    assert alarms <= 31


def test_a_shift_of_a_third_of_a_deviation_is_nearly_always_found() -> None:
    people, detector = People(8), ScipyDetector()
    before = people.rows(4000)
    found = sum("amount" in drifted(detector, before, people.rows(1000, shift=0.33)) for _ in range(50))
    assert found >= 48


def test_both_engines_give_the_same_numbers_and_verdicts() -> None:
    people = People(9)
    before = people.rows(3000)
    for shift in (0.0, 0.1, 0.3):
        compared = pairs(reference(before), sample(people.rows(700, shift=shift)))
        ours, theirs = ScipyDetector().test(compared), AlibiDetector().test(compared)
        assert [test.name for test in ours] == [test.name for test in theirs]
        assert [test.p_value for test in ours] == pytest.approx([test.p_value for test in theirs], rel=1e-5, abs=1e-30)
        assert [test.statistic for test in ours] == pytest.approx([test.statistic for test in theirs], rel=1e-5)
        assert judge(ours, error_rate=ERROR_RATE).drifted == judge(theirs, error_rate=ERROR_RATE).drifted


def test_an_engine_tells_its_library_and_version() -> None:
    assert ScipyDetector().engine.startswith("scipy 1.")
    assert AlibiDetector().engine.startswith("alibi-detect 0.")


def test_alibi_is_taken_where_it_is_installed() -> None:
    assert isinstance(detector_for("auto"), AlibiDetector)
    assert isinstance(detector_for("scipy"), ScipyDetector)


def test_rare_categories_are_counted_together() -> None:
    before, now = People(10).rows(2000), People(11).rows(200)
    before[:3, 2], now[:2, 2] = (7, 8, 9), (11, 12)
    (groups,) = (pair for pair in pairs(reference(before), sample(now)) if isinstance(pair, Groups))
    sides = np.stack([np.bincount(side, minlength=9) for side in (groups.reference, groups.window)])
    expected = sides.sum(axis=0) * len(now) / (len(before) + len(now))
    assert (expected[sides.sum(axis=0) > 0] >= 5).all()


def test_a_column_that_is_constant_in_both_is_not_tested() -> None:
    before, now = People(12).rows(500), People(13).rows(100)
    before[:, 2] = now[:, 2] = 1
    assert [pair.name for pair in pairs(reference(before), sample(now))] == ["amount", "income", "prediction"]


def test_a_column_that_is_always_missing_now_is_tested_for_that() -> None:
    before, now = People(12).rows(500), People(13).rows(100)
    now[:, 0] = np.nan
    found = {pair.name: pair for pair in pairs(reference(before), sample(now))}
    assert "amount" not in found
    assert isinstance(found["amount is missing"], Groups)


def test_columns_are_matched_by_name() -> None:
    before = People(14).rows(300)
    turned = Sample(
        ("education", "amount", "income"), np.arange(300, dtype=np.uint64), before[:, [2, 0, 1, 3]].astype(np.float32)
    )
    for pair in pairs(reference(before), turned):
        if isinstance(pair, Amounts):
            assert np.array_equal(pair.reference, pair.window)


def test_nothing_in_common_is_said_so() -> None:
    everything = np.full((10, 4), np.nan, np.float32)
    with pytest.raises(NothingToCompare, match="nothing in them can be compared"):
        pairs(Reference(COLUMNS, frozenset(), everything), sample(everything))


def test_many_columns_make_no_drift_by_themselves() -> None:
    tests = [ColumnTest(f"c{number}", 0.1, 0.004) for number in range(30)]
    assert judge(tests, error_rate=0.05).drifted == ()


def test_a_rejection_makes_the_next_one_easier() -> None:
    """Holm: after a and b are found, c has to be compared with one column fewer each time."""
    tests = [ColumnTest("a", 0, 0.001), ColumnTest("b", 0, 0.016), ColumnTest("c", 0, 0.03), ColumnTest("d", 0, 0.9)]
    verdict = judge(tests, error_rate=0.05)
    assert verdict.drifted == ("a", "b")
    assert verdict.threshold == pytest.approx(0.025)


def test_all_columns_may_have_drifted() -> None:
    verdict = judge([ColumnTest("a", 1, 0.0), ColumnTest("b", 1, 0.0)], error_rate=0.05)
    assert verdict.drifted == ("a", "b")
    assert verdict.threshold == pytest.approx(0.05)
