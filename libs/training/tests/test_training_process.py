"""Orders in -> a child that ends, however its code behaves -> a result, and nothing left running."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import xgboost

from murmur_events.workflows import Limits
from murmur_training.messages import Line, Message, Metric, Phase
from murmur_training.process import child_environment, run_worker
from murmur_training.spec import LOG, MODEL, PROBE, REFERENCE, Failed, Trained, WorkerSpec

PLENTY = Limits(time=timedelta(minutes=2), memory=2 * 2**30)


class Heard:
    """Keeps what the worker said, batch by batch."""

    def __init__(self) -> None:
        self.batches: list[tuple[Message, ...]] = []

    async def __call__(self, batch: tuple[Message, ...]) -> None:
        self.batches.append(batch)

    @property
    def messages(self) -> list[Message]:
        return [message for batch in self.batches for message in batch]

    @property
    def lines(self) -> list[str]:
        return [message.text for message in self.messages if isinstance(message, Line)]


def left_running(spec: WorkerSpec) -> list[int]:
    """Processes that still name this training's folders."""
    mine = str(spec.work.parent)
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(mine in part for part in process.info["cmdline"] or ())
    ]


async def test_a_training_ends_with_all_its_files_and_everything_it_said(workflow) -> None:
    spec, heard = workflow(), Heard()

    result = await run_worker(spec, PLENTY, heard)

    assert isinstance(result, Trained)
    assert next(message.name for message in heard.messages if isinstance(message, Phase)) == "data"
    assert any(isinstance(message, Metric) for message in heard.messages)
    assert f"training on {result.train_rows} rows" in heard.lines
    assert f"training on {result.train_rows} rows" in (spec.work / LOG).read_text()
    model = xgboost.Booster(model_file=spec.work / MODEL)
    probe = json.loads((spec.work / PROBE).read_text())
    columns = [np.array(tensor["data"]) for tensor in probe["request"]["inputs"]]
    names = [tensor["name"] for tensor in probe["request"]["inputs"]]
    asked = xgboost.DMatrix(np.column_stack(columns), feature_names=names)
    assert model.predict(asked).astype(float).tolist() == probe["outputs"]
    reference = pd.read_parquet(spec.work / REFERENCE)
    assert list(reference.columns) == ["amount", "age", "branch", "prediction"]
    assert 0 < len(reference) < result.train_rows
    assert not left_running(spec)


async def test_the_same_rows_in_another_order_make_the_same_model_in_another_process(workflow) -> None:
    one = workflow(name="one")
    text = (one.code / "data.py").read_text()
    other = workflow(name="other", data=text.replace("return pd.DataFrame({", "return backwards({") + BACKWARDS)

    first, second = [await run_worker(spec, PLENTY, Heard()) for spec in (one, other)]

    assert isinstance(first, Trained)
    assert isinstance(second, Trained)
    assert first.digest == second.digest
    assert sha256(one.work / MODEL) == sha256(other.work / MODEL)
    assert sha256(one.work / REFERENCE) == sha256(other.work / REFERENCE)


BACKWARDS = """
def backwards(columns):
    return pd.DataFrame(columns).iloc[::-1]
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_training_that_never_ends_is_ended(workflow) -> None:
    spec = workflow(data="import threading\n\ndef load(as_of, context):\n    threading.Event().wait()\n")

    result = await run_worker(spec, Limits(time=timedelta(seconds=2)), Heard())

    assert isinstance(result, Failed)
    assert result.cause == "out_of_time"
    assert "longer than training.limits.time of 2 s" in result.message
    assert not left_running(spec)


async def test_a_training_that_eats_memory_is_ended(workflow) -> None:
    spec = workflow(data=HUNGRY)

    result = await run_worker(spec, Limits(time=timedelta(minutes=2), memory=400 * 2**20), Heard())

    assert isinstance(result, Failed)
    assert result.cause == "out_of_memory"
    assert "more than training.limits.memory of 400 MiB" in result.message
    assert not left_running(spec)


HUNGRY = """
def load(as_of, context):
    eaten = []
    while True:
        eaten.append(b"x" * 2**22)
"""


async def test_memory_of_its_children_counts_as_its_own(workflow) -> None:
    spec = workflow(data=HUNGRY_CHILD)

    result = await run_worker(spec, Limits(time=timedelta(minutes=2), memory=400 * 2**20), Heard())

    assert isinstance(result, Failed)
    assert result.cause == "out_of_memory"
    assert not left_running(spec)


HUNGRY_CHILD = """
import subprocess
import sys

def load(as_of, context):
    subprocess.run([sys.executable, "-c", "eaten = []\\nwhile True: eaten.append(b'x' * 2**22)"])
"""


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("os._exit(3)", "with exit code 3 before it had a result; its last line was 'about to go'"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "by signal SIGKILL"),
    ],
)
async def test_a_process_that_ends_without_a_result_was_killed(workflow, ending: str, told: str) -> None:
    spec = workflow(data=f"import os, signal\n\ndef load(as_of, context):\n    print('about to go')\n    {ending}\n")
    result = await run_worker(spec, PLENTY, Heard())

    assert isinstance(result, Failed)
    assert result.cause == "killed"
    assert told in result.message


async def test_a_result_of_an_earlier_attempt_does_not_count(workflow) -> None:
    spec = workflow(data="import os\n\ndef load(as_of, context):\n    os._exit(1)\n")
    (spec.work / "result.json").write_text(Failed(cause="data_rejected", message="old").model_dump_json())

    result = await run_worker(spec, PLENTY, Heard())

    assert isinstance(result, Failed)
    assert result.cause == "killed"


HANGING_FAMILY = """
import os
import subprocess
import sys

def load(as_of, context):
    sleeper = [sys.executable, "-c", "import threading; threading.Event().wait()", {folder!r}]
    subprocess.Popen(sleeper)
    subprocess.Popen(sleeper, start_new_session=True)
    print("ready", flush=True)
    input_that_never_comes, _ = os.pipe()
    os.read(input_that_never_comes, 1)
"""


async def test_a_cancelled_training_is_gone_with_all_its_children(workflow, tmp_path: Path, eventually) -> None:
    spec, heard = workflow(data=HANGING_FAMILY.format(folder=str(tmp_path / "churn"))), Heard()
    running = asyncio.create_task(run_worker(spec, PLENTY, heard))
    await eventually(lambda: "ready" in heard.lines)
    assert len(left_running(spec)) == 3

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await eventually(lambda: not left_running(spec))


async def test_children_left_behind_are_ended_with_the_training(workflow, tmp_path: Path) -> None:
    spec = workflow(data=LEAVING_A_CHILD.format(folder=str(tmp_path / "churn")))

    result = await run_worker(spec, PLENTY, Heard())

    assert isinstance(result, Failed)
    assert result.cause == "data_rejected"
    assert not left_running(spec)


LEAVING_A_CHILD = """
import subprocess
import sys

def load(as_of, context):
    subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()", {folder!r}])
"""


async def test_a_training_dies_with_the_process_that_started_it(workflow, tmp_path: Path, eventually) -> None:
    spec = workflow(data=HANGING)
    orders = tmp_path / "orders.json"
    orders.write_text(spec.model_dump_json())
    trainer = await asyncio.create_subprocess_exec(sys.executable, "-c", TRAINER, str(orders))
    await eventually((spec.data_dir / "ready").exists)
    assert len(left_running(spec)) == 1

    os.kill(trainer.pid, signal.SIGKILL)
    await trainer.wait()

    await eventually(lambda: not left_running(spec))


HANGING = """
import threading

def load(as_of, context):
    (context.data_dir / "ready").touch()
    threading.Event().wait()
"""

TRAINER = """
import asyncio
import pathlib
import sys

from murmur_events.workflows import Limits
from murmur_training.process import run_worker
from murmur_training.spec import WorkerSpec

async def unheard(batch):
    pass

spec = WorkerSpec.model_validate_json(pathlib.Path(sys.argv[1]).read_bytes())
asyncio.run(run_worker(spec, Limits(), unheard))
"""


async def test_a_flood_of_lines_is_thinned_but_the_log_has_all(workflow) -> None:
    spec, heard = (
        workflow(data="def load(as_of, context):\n    for n in range(50_000):\n        print('line', n)\n"),
        Heard(),
    )

    await run_worker(spec, PLENTY, heard)

    assert len(heard.lines) < 10_000
    assert any("more lines are in the log only" in line for line in heard.lines)
    assert len((spec.work / LOG).read_text().splitlines()) == 50_000


async def test_a_line_without_an_end_does_not_stop_the_reading(workflow) -> None:
    spec, heard = workflow(data="def load(as_of, context):\n    print('x' * 1_000_000, end='')\n"), Heard()

    await run_worker(spec, PLENTY, heard)

    assert heard.lines
    assert all(len(line) <= 2000 for line in heard.lines)


async def test_messages_that_nobody_can_take_end_the_training(workflow) -> None:
    spec = workflow()

    async def refuse(batch: tuple[Message, ...]) -> None:
        raise ConnectionError("the store is away")

    with pytest.raises(ConnectionError, match="the store is away"):
        await run_worker(spec, PLENTY, refuse)
    assert not left_running(spec)


def test_a_child_knows_its_flock_but_no_setting_of_the_platform() -> None:
    ours = {"PATH": "/bin", "MURMUR_FLOCK": "f1", "MURMUR_STORE": "sqlite:///secret.db", "PIP_INDEX_URL": "kept"}

    theirs = child_environment(ours, threads=3)

    assert theirs["MURMUR_FLOCK"] == "f1"
    assert theirs["PATH"] == "/bin"
    assert theirs["PIP_INDEX_URL"] == "kept"
    assert "MURMUR_STORE" not in theirs
    assert (theirs["PYTHONHASHSEED"], theirs["OMP_NUM_THREADS"]) == ("0", "3")
