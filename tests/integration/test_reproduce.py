"""A run repeated through the command line: the same bytes, the control with another seed, and what was lost."""

import json
import subprocess
from pathlib import Path

import pytest
from live import LiveFlock, of

from murmur_events.runs import RunCompleted
from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]

TRAIN = """\
import xgboost


def train(context):
    settings = {"objective": "binary:logistic", "seed": context.seed, "subsample": 0.6, "max_depth": 3}
    return xgboost.train(settings, context.train.matrix(), 20)
"""


def committed(folder: Path) -> str:
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "--message", "first"),
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    head = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return head.stdout.strip()


async def test_a_run_is_repeated_and_the_verdict_is_seen_by_all(flock: LiveFlock, tmp_path: Path) -> None:
    folder = flock.scaffold(tmp_path / "again", "again", train=TRAIN)
    commit = committed(folder)
    applied = flock.murmur("apply", str(folder))
    assert applied.returncode == 0, applied.stderr
    await flock.trigger("again")
    first = (await flock.until("the run", of("run.completed", "again"))).event
    assert isinstance(first, RunCompleted)

    same = flock.murmur("reproduce", first.run_id, "--reason", "an audit", "--json")
    assert same.returncode == 0, same.stdout + same.stderr
    run = json.loads(same.stdout)
    assert run["reproduction"]["of"] == first.run_id
    assert run["reproduction"]["verdict"] == "identical"
    assert (run["reproduction"]["metrics"], run["reproduction"]["differences"]) == ([], [])
    assert run["provenance"]["source"] == {"commit": commit, "dirty": False, "diff": None}
    assert run["provenance"]["hardware"]["threads"] == 2

    other = flock.murmur("reproduce", first.run_id, "--seed", "4711")
    assert other.returncode == 1
    assert f"repeats {first.run_id}: different" in other.stdout
    assert "train_log_loss" in other.stdout

    async def told() -> bool:
        return len([each for each in await flock.history() if of("run.completed", "again")(each)]) == 3

    await eventually(told)
    versions = await flock.get("/registry/v1/models/again/versions")
    assert [version["run_id"] for version in versions["items"]] == [first.run_id]

    rows = Path(first.dataset.train.uri.removeprefix("file://"))
    rows.chmod(0o644)
    rows.write_bytes(b"other rows")
    refused = flock.murmur("reproduce", first.run_id)
    assert refused.returncode == 1
    assert "the train rows" in refused.stderr
    assert "was changed after it was stored" in refused.stderr
