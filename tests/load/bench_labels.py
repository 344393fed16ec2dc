"""How fast the monitor keeps predictions and joins labels to them: `python tests/load/bench_labels.py [--rows N]`.

One process, the real parsing and the real file, no broker: records of 500 rows with 30 features as model servers ship
them, 20 records a transaction. Prints rows a second, by how many rows the book holds already; in brackets by processor
time, for a machine that is shared.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson

from murmur_events.base import DeploymentName
from murmur_events.serving import FeedbackRecorded
from murmur_monitor.domain.quality import measure
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.joining.book import LabelBook
from murmur_monitor.joining.rows import Labels, Predictions, labels_of, predictions_of

ROWS, FEATURES, TOGETHER = 500, 30, 20
START = datetime(2026, 1, 1, tzinfo=UTC)
DELAYS = {"fraud": 7 * 24 * 3600 * 1000}


FEATURE_VALUES = {f"v{column}": [0.1234 + column] * ROWS for column in range(FEATURES)}


def record(number: int, draw: np.random.Generator) -> bytes:
    at = START + timedelta(seconds=number)
    body = {
        "deployment": "fraud",
        "shard": 0,
        "model": "fraud",
        "version": 1,
        "model_sha256": "0" * 64,
        "replica": "fraud-1",
        "segment": "one",
        "offset": number * ROWS,
        "request_ids": [name(number * ROWS + row) for row in range(ROWS)],
        "times": [at.isoformat()] * ROWS,
        "latencies_ms": [1.25] * ROWS,
        "statuses": [200] * ROWS,
        "features": FEATURE_VALUES,
        "outputs": draw.random(ROWS).round(6).tolist(),
        "trace_ids": [""] * ROWS,
    }
    return orjson.dumps(body)


def name(row: int) -> str:
    return f"6f0e3c2a-77aa-4b0d-9c1e-{row:012d}"


def feedback(first: int, rows: int) -> FeedbackRecorded:
    return FeedbackRecorded(
        deployment=DeploymentName("fraud"),
        shard=0,
        request_ids=tuple(name(first + row) for row in range(rows)),
        times=(START + timedelta(days=2),) * rows,
        labels=tuple(float(row % 50 == 0) for row in range(rows)),
        source="chargebacks",
    )


class Watch:
    """Adds up what some work takes."""

    def __init__(self) -> None:
        self.wall = self.busy = 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        self.wall += time.perf_counter() - self._begun[0]
        self.busy += time.process_time() - self._begun[1]

    def rate(self, rows: int) -> str:
        return f"{rows / self.wall:,.0f} rows/s [{rows / self.busy:,.0f}]"


async def main(total: int) -> None:
    draw = np.random.default_rng(1)
    now = as_millis(START + timedelta(days=2))
    with tempfile.TemporaryDirectory() as folder:
        book = LabelBook(Path(folder) / "labels.db")
        await book.open()
        parsing, writing, shown, held = Watch(), Watch(), 0, 0
        for number in range(0, total // ROWS, TOGETHER):
            records = [record(number + one, draw) for one in range(TOGETHER)]
            with parsing:
                batches: list[Predictions | Labels] = [predictions_of(one, (0, number)) for one in records]
            with writing:
                await book.take(batches, {("prediction.logged", 0): number + TOGETHER}, delays=DELAYS, now=now)
            held = (number + TOGETHER) * ROWS
            if held - shown >= total // 4:
                say(
                    f"predictions, {held:,} held: parsed {parsing.rate(held - shown)},"
                    f" written {writing.rate(held - shown)}"
                )
                parsing, writing, shown = Watch(), Watch(), held
        size = sum(file.stat().st_size for file in Path(folder).glob("labels.db*"))
        say(f"size: {size / 2**20:,.0f} MiB, {size / held:.0f} bytes a prediction")
        firsts = (draw.permutation(held // 5_000)[:60] * 5_000).tolist()
        joining = Watch()
        for first in firsts:
            with joining:
                await book.take([labels_of(feedback(first, 5_000), now, latest=now)], {}, delays=DELAYS, now=now)
        say(f"labels, {len(firsts) * 5_000:,} joined among {held:,}: {joining.rate(len(firsts) * 5_000)}")
        reading, measuring = Watch(), Watch()
        with reading:
            rows = await book.rows_of("fraud", 1, Window(as_millis(START), now))
        with measuring:
            quality = measure(rows, judged="average_precision", confidence=0.95, seed=1)
        say(
            f"a window of {quality.labelled:,} labels: read {reading.wall:.2f} s, measured {measuring.wall:.2f} s"
            f" [{measuring.busy:.2f}]: average precision {quality.interval}"
        )
        await book.close()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    asyncio.run(main(parser.parse_args().rows))
