"""A file of rows scored through the command line, by what a flock has trained and serves."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from live import LiveFlock, of
from sklearn.datasets import load_breast_cancer

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]


async def test_every_row_of_a_file_is_scored_by_what_serves(flock: LiveFlock, tmp_path: Path) -> None:
    folder = flock.scaffold(tmp_path / "scored", "scored")
    await flock.apply(folder, "scored")
    await flock.trigger("scored")
    await flock.until("the review", of("review.requested", "scored"))
    await flock.review("scored", 1, "approved")
    await flock.until("v1 to serve", of("model.deployed", "scored"))
    rows = load_breast_cancer(as_frame=True).frame
    features = yaml.safe_load((folder / "workflow.yaml").read_text())["data"]["features"]
    rows[features].astype(float).to_parquet(tmp_path / "rows.parquet", index=False)

    done = flock.murmur(
        "score", "scored", str(tmp_path / "rows.parquet"), "-o", str(tmp_path / "out.parquet"), "--json"
    )

    assert done.returncode == 0, done.stderr[-2000:]
    batch = json.loads(done.stdout)
    assert (batch["state"], batch["version"], batch["rows"], batch["failed_rows"]) == ("completed", 1, len(rows), 0)
    scores = pd.read_parquet(tmp_path / "out.parquet")["probability"]
    assert len(scores) == len(rows)
    assert np.corrcoef(scores, rows["target"])[0, 1] > 0.9

    listed = flock.murmur("batches", "list", "--deployment", "scored")
    assert batch["id"] in listed.stdout
    wrong = flock.murmur("score", "nobody", str(tmp_path / "rows.parquet"))
    assert wrong.returncode == 1
    assert "no deployment 'nobody'" in wrong.stderr
