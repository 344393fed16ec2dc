"""The story that the demo tells, told once with real training: each claim of it holds, and with room to spare."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from murmur_training.rehearsal import definition_of, rehearse
from murmur_training.spec import Failed, Trained
from murmur_workflows import fraud
from murmur_workflows.fraud import data
from murmur_workflows.measurements.fraud import Story, Telling

DEFINITION = definition_of(fraud.FOLDER)

pytestmark = pytest.mark.timeout(900)  # the city is simulated once: a minute, and more on a busy machine


@pytest.fixture(scope="module")
def story(data_dir: Path) -> Story:
    return Telling(data.CITY, DEFINITION.training.seed, data_dir, resamples=200).story()


def test_the_first_version_passes_the_minimum(story: Story) -> None:
    assert story.first_auc > DEFINITION.validation.minimum_auc


def test_the_first_version_does_not_know_what_nobody_can(story: Story) -> None:
    """The first week of a compromised terminal cannot be foreseen: with a label too early it is 0.999."""
    assert 0.7 < story.first_average_precision < 0.9


def test_the_threshold_chosen_in_training_costs_little_more_than_the_best_one(story: Story) -> None:
    assert story.first_cost_of_best_threshold <= story.first_cost < 1.15 * story.first_cost_of_best_threshold


def test_most_of_what_people_look_at_is_fraud(story: Story) -> None:
    assert story.first_precision_at_budget > 0.8


def test_the_fourth_scenario_spoils_the_first_version(story: Story) -> None:
    assert story.fourth_average_precision < story.stable_average_precision - 0.2


def test_the_fourth_scenario_is_drift_and_its_absence_is_none(story: Story) -> None:
    assert story.weeks_until_drift > 0
    assert story.stable_windows_drifted == 0
    assert story.control_windows_drifted == 0


def test_the_retrained_version_is_better_and_no_channel_pays_for_it(story: Story) -> None:
    assert story.gain_cost_high < 0
    assert story.gain_average_precision_low > 0
    assert story.slice_loss < DEFINITION.validation.max_slice_loss


def test_after_retraining_there_is_no_drift_any_more(story: Story) -> None:
    assert story.later_windows_drifted == 0


def test_the_worse_candidate_is_clearly_worse(story: Story) -> None:
    assert story.worse_cost_low > 0


def test_the_worker_trains_it_from_its_folder_alone(tmp_path: Path, data_dir: Path, story: Story) -> None:
    at = datetime.fromisoformat(fraud.FIRST_TICK).replace(tzinfo=UTC)
    result = rehearse(fraud.FOLDER, tmp_path, as_of=at, parameters={"rounds": 20}, data_dir=data_dir)

    assert isinstance(result, Trained), result
    assert (result.periods[0], result.periods[-1], result.trained_until) == ("2025-03-17", "2025-04-28", "2025-04-07")
    assert result.threshold is not None
    assert 0 < result.threshold < 0.5
    assert result.metrics["threshold"] == result.threshold


def test_before_labels_have_come_there_is_nothing_to_train_on(tmp_path: Path, data_dir: Path, story: Story) -> None:
    result = rehearse(fraud.FOLDER, tmp_path, as_of=datetime(2025, 3, 17, tzinfo=UTC), data_dir=data_dir)

    assert isinstance(result, Failed)
    assert result.cause == "data_rejected"
    assert "load() returned no rows" in result.message
