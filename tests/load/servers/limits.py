"""What no server can be faster than: the engines by themselves, on one core; and profiles made readable."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from results import Row

from servers.model import BenchModel
from servers.starting import CORE

_PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
from murmur_events.values import Signature
from murmur_serving.conversion.graph import write_graph
from murmur_serving.conversion.trees import read_forest
from murmur_serving.engines.onnx import OnnxPredictor
from murmur_serving.engines.xgb import XGBoostPredictor

folder = Path(sys.argv[1])
signature = Signature.model_validate_json((folder / "signature.json").read_text())
rows = np.load(folder / "rows.npy")
xgb = XGBoostPredictor.load((folder / "model.ubj").read_bytes(), signature)
onnx = OnnxPredictor.load(write_graph(read_forest(xgb.as_json())), signature)

def speed(predict, count):
    batches = [rows[at : at + count] for at in range(0, len(rows) - count, count)][:200]
    best = 0.0
    for _ in range(5):
        began, done = time.process_time(), 0
        while time.process_time() - began < 0.3:
            for batch in batches:
                predict(batch)
                done += count
        best = max(best, done / (time.process_time() - began))
    return best

sizes = (1, 16, 64, 128, 256, 1024)
print(json.dumps({name: [speed(engine.predict, size) for size in sizes]
                  for name, engine in (("ONNX Runtime", onnx), ("XGBoost", xgb))}))
"""
_SIZES = (1, 16, 64, 128, 256, 1024)


def rows(made: BenchModel) -> list[Row]:
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made.write(home / "model.ubj")
        (home / "signature.json").write_text(made.signature.model_dump_json())
        np.save(home / "rows.npy", made.rows)
        command = ["taskset", "-c", CORE, sys.executable, "-c", _PROGRAM, folder]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    speeds: dict[str, list[float]] = json.loads(told)
    return [
        Row(
            what=f"in process, {size} row{'s' * (size > 1)} a call: predictions, ONNX Runtime beside XGBoost",
            ours=speeds["ONNX Runtime"][place],
            peer=speeds["XGBoost"][place],
            unit="1/s",
            more_is_better=True,
            rates=True,
        )
        for place, size in enumerate(_SIZES)
    ]


def shares(raw: str) -> str:
    """py-spy's collapsed stacks of the thread that serves, as shares of its time by function."""
    itself: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [frame.rpartition(":")[0] or frame for frame in stack.split(";")]
        if not any("__main__" in frame for frame in frames):
            continue  # threads that wait for work
        itself[frames[-1]] += int(count)
        within.update(dict.fromkeys(frames, int(count)))
    total = sum(itself.values())
    lines = [f"{total} samples at 200 a second (py-spy), 64 connections, one row a request, log shipped", ""]
    for title, counted in (("in the function itself", itself), ("in it and what it calls", within)):
        lines += [title, *(f"  {count / total:6.1%}  {name}" for name, count in counted.most_common(30)), ""]
    return "\n".join(lines)
