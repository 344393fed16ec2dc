"""`murmur demo fraud` as a newcomer runs it: a rare event, judged by cost, and thieves who change their ways."""

import json
import os
from typing import Any

import pytest
from live import LiveFlock

pytestmark = [
    pytest.mark.flock,
    pytest.mark.timeout(1500),  # the city is simulated once: a minute or two
    pytest.mark.skipif(os.environ.get("MURMUR_TEST_PROFILE") != "stories", reason="`make test-stories` runs it"),
]


@pytest.fixture(scope="module")
def summary(flock: LiveFlock) -> dict[str, Any]:
    done = flock.murmur("demo", "fraud", "--json", within=1400)
    assert done.returncode == 0, done.stderr[-4000:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_retrained_model_serves_in_the_end_and_no_request_failed(summary: dict[str, Any]) -> None:
    assert summary["serving"] > 2
    assert summary["failed_requests"] == 0
    assert summary["predictions"] >= 10 * 4500


def test_the_retrained_model_costs_less_by_an_interval_that_excludes_zero(summary: dict[str, Any]) -> None:
    assert summary["differences"][f"v{summary['serving']}"]["cost high"] < 0
    assert summary["differences"]["v2"]["cost low"] > 0


def test_the_controls_held(summary: dict[str, Any]) -> None:
    assert summary["controls"] == {
        "worse candidate is not deployed": True,
        "ordinary weeks train nothing": True,
        "weeks without the fourth scenario train nothing": True,
    }


def test_the_fourth_scenario_was_noticed_by_drift_and_by_quality_and_started_one_training(
    summary: dict[str, Any],
) -> None:
    assert (summary["drifts"], summary["degradations"]) == (1, 1)
    assert summary["drifted_features"]
    assert "average precision" in summary["told"]["fallen quality"]
    assert summary["retrainings"] == 1
    assert summary["weeks_until_noticed"] <= 7


def test_the_retrained_model_was_a_canary_that_passed_by_its_labels(summary: dict[str, Any]) -> None:
    assert summary["canary"] == ["advance", "finish"]
    assert summary["told"]["canary"].startswith("not worse: average precision")
