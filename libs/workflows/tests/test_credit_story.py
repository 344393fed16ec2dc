"""The story that the demo tells, told once with real training: each claim of it holds, and with room to spare."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from murmur_training.rehearsal import definition_of, rehearse
from murmur_training.spec import Failed, Trained
from murmur_workflows import credit
from murmur_workflows.measurements.credit import Story, Telling

DEFINITION = definition_of(credit.FOLDER)


@pytest.fixture(scope="module")
def story(quarters: pd.DataFrame) -> Story:
    return Telling(quarters, DEFINITION.data, DEFINITION.training.seed).story()


def test_the_first_version_passes_the_minimum(story: Story) -> None:
    assert story.first_auc > DEFINITION.validation.minimum_auc


def test_the_second_version_is_better_than_the_first(story: Story) -> None:
    assert story.second_gain_low > 0


def test_the_retrained_version_is_better_than_the_second(story: Story) -> None:
    assert story.third_gain_low > 0


def test_no_group_of_customers_pays_for_it(story: Story) -> None:
    assert story.worst_slice_loss < DEFINITION.validation.max_slice_loss


def test_the_worse_candidate_is_clearly_worse(story: Story) -> None:
    assert story.worse_gain_high < 0


def test_a_stable_quarter_does_not_look_like_drift_and_a_shifted_one_does(story: Story) -> None:
    assert story.stable_windows_drifted == 0
    assert story.shifted_columns_drifted > 5


def test_after_retraining_the_new_customers_are_no_drift_any_more(story: Story) -> None:
    assert story.later_windows_drifted == 0


def test_the_worker_trains_it_from_its_folder_alone(tmp_path: Path, data_dir: Path, table: Path) -> None:
    result = rehearse(
        credit.FOLDER, tmp_path, as_of=datetime.fromisoformat(credit.SECOND_TICK).replace(tzinfo=UTC), data_dir=data_dir
    )

    assert isinstance(result, Trained), result
    assert result.periods == ("2005Q2", "2005Q3")
    assert result.metrics["auc"] > 0.7


def test_before_the_first_quarter_there_is_nothing_to_train_on(tmp_path: Path, data_dir: Path, table: Path) -> None:
    result = rehearse(credit.FOLDER, tmp_path, as_of=datetime(2005, 1, 1, tzinfo=UTC), data_dir=data_dir)

    assert isinstance(result, Failed)
    assert result.cause == "data_rejected"
    assert "load() returned no rows" in result.message
