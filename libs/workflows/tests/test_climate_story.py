"""What the README promises of the climate workflow's models, trained for real: they beat rules that need none."""

from pathlib import Path

import pytest

from murmur_training.rehearsal import definition_of, rehearse
from murmur_training.spec import Trained
from murmur_workflows import climate


def trained(work: Path, data_dir: Path, **parameters: str | int) -> Trained:
    result = rehearse(climate.FOLDER, work, parameters=parameters, data_dir=data_dir)
    assert isinstance(result, Trained), result
    return result


@pytest.mark.parametrize(("dataset", "best"), [("seattle", 2.95), ("co2", 0.33), ("elnino", 0.52)])
def test_the_file_s_settings_beat_every_baseline_by_an_interval(
    dataset: str, best: float, tmp_path: Path, data_dir: Path
) -> None:
    metrics = trained(tmp_path, data_dir, dataset=dataset).metrics
    assert metrics["rmse"] < best
    assert metrics["rmse_low"] < metrics["rmse"] < metrics["rmse_high"]
    assert metrics["rmse"] < min(metrics[f"rmse_{rule}"] for rule in ("persistence", "seasonal", "seasonal_change"))
    assert metrics["skill_low"] > 0


def test_a_model_that_learns_nothing_has_no_skill(tmp_path: Path, data_dir: Path) -> None:
    """The control: one tree of next to no weight."""
    metrics = trained(tmp_path, data_dir, dataset="co2", rounds=1, eta=0.001).metrics
    assert metrics["skill"] < 0


def test_it_is_research(data_dir: Path) -> None:
    definition = definition_of(climate.FOLDER)
    assert definition.data.task == "regression"
    assert not definition.promotion.register_model
