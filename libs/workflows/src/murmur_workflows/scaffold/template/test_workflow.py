"""Trains the workflow of this folder as the platform would, on this machine and in seconds: `pytest .`"""

from pathlib import Path

from murmur_training.rehearsal import rehearse


def test_the_workflow_trains_a_usable_model(tmp_path: Path) -> None:
    result = rehearse(Path(__file__).parent, tmp_path)

    assert result.status == "trained", result.message
    assert result.metrics["auc"] > 0.9
