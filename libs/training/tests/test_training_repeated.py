"""A training repeated as its orders pin it: kept rows, so many threads, another interpreter."""

import hashlib
import os
import sys
from pathlib import Path

from murmur_events.workflows import Limits
from murmur_training.messages import Message
from murmur_training.process import run_worker
from murmur_training.snapshot import HOLDOUT, TRAIN
from murmur_training.spec import MODEL, PinnedSnapshot, Trained, WorkerSpec

SAYS_ITS_THREADS = """
    import os
    import xgboost

    def train(context):
        print("threads", os.environ["OMP_NUM_THREADS"])
        settings = {"objective": "binary:logistic", "seed": context.seed}
        return xgboost.train(settings, context.train.matrix(), 5)
"""


async def unheard(messages: tuple[Message, ...]) -> None:
    pass


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def repeating(spec: WorkerSpec, result: Trained) -> WorkerSpec:
    pinned = PinnedSnapshot(
        train=spec.work / TRAIN,
        holdout=spec.work / HOLDOUT,
        digest=result.digest,
        periods=result.periods,
        signature=result.signature,
    )
    return spec.model_copy(update={"work": spec.work.parent / "again", "snapshot": pinned})


async def test_kept_rows_make_the_same_model_without_load(workflow) -> None:
    spec = workflow()
    first = await run_worker(spec, Limits(), unheard)
    assert isinstance(first, Trained)
    (spec.code / "data.py").unlink()
    again = repeating(spec, first)
    assert await run_worker(again, Limits(), unheard) == first
    assert sha256(again.work / MODEL) == sha256(spec.work / MODEL)


async def test_the_interpreter_and_the_threads_of_the_orders_are_taken(workflow, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntouch {tmp_path}/called\nexec {sys.executable} "$@"\n')
    os.chmod(python, 0o755)
    spec = workflow(train=SAYS_ITS_THREADS).model_copy(update={"interpreter": python, "threads": 1})
    assert isinstance(await run_worker(spec, Limits(), unheard), Trained)
    assert (tmp_path / "called").exists()
    assert "threads 1" in (spec.work / "worker.log").read_text()
