"""How long a page of a search takes in the history's SQLite file, by the number of runs.

    python tests/load/bench_search.py [--runs 1000 10000 100000] [--rounds 40] [--cache 2] [--mmap 0]

Each run has 10 params, 11 or 12 metrics and 5 tags, all in one experiment. The file is made once for each size under
`.bench/search` and searched over one connection, each time with other numbers, so that no search is the repetition of
one before. Times are of the processor, so that neighbours on the machine count less. The peer's figures for the first
search (MLflow 3.17.2, wall clock, by its server): 40 ms at 1,000 runs, 122 at 10,000, 560 at 100,000 after ANALYZE.
"""

import argparse
import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from results import RESULTS, machine

from murmur_search import RUNS, parse_filter, parse_order
from murmur_search.paging import RunQuery
from murmur_search.sqlite import runs_page
from murmur_search.sqlite_schema import STATEMENTS
from murmur_search.sqlite_text import index_text

sys.path.insert(0, str(Path(__file__).parents[2] / "libs" / "search" / "tests"))
from search_history import TABLES

FOLDER = Path(".bench/search")
PEER = {1_000: 40.0, 10_000: 122.0, 100_000: 560.0}
BATCH = 2_000

Question = Callable[[random.Random], tuple[str, list[str]]]


def param(rng: random.Random) -> str:
    return f"params.p{rng.randrange(5)} = 'v{rng.randrange(5)}'"


QUESTIONS: dict[str, Question] = {
    "metric and param, by metric": lambda rng: (
        f"metrics.m{rng.randrange(5)} > {rng.random() * 0.5 + 0.25:.4f} AND {param(rng)}",
        [f"metrics.m{rng.randrange(5, 10)} {rng.choice(('ASC', 'DESC'))}"],
    ),
    "narrow metric and param, by metric": lambda rng: (
        f"metrics.m{rng.randrange(5)} > {1 - rng.random() * 0.1:.4f} AND {param(rng)}",
        [f"metrics.m{rng.randrange(5, 10)} DESC"],
    ),
    "nothing found": lambda rng: (
        f"metrics.m{rng.randrange(5)} > 0.5 AND params.p{rng.randrange(5)} = 'w{rng.randrange(9)}'",
        [f"metrics.m{rng.randrange(5, 10)} DESC"],
    ),
    "four narrow conditions, by metric": lambda rng: (
        " AND ".join(f"metrics.m{n} > {0.85 + rng.random() * 0.05:.4f}" for n in range(3)) + " AND params.p0 != 'v1'",
        [f"metrics.m{rng.randrange(5, 10)} DESC"],
    ),
    "no condition, latest first": lambda rng: ("", []),
    "no condition, by metric": lambda rng: ("", [f"metrics.m{rng.randrange(10)} DESC"]),
    "by a metric that half have": lambda rng: (f"params.p{rng.randrange(5)} = 'v1'", ["metrics.half DESC"]),
    "status and tag, latest first": lambda rng: (
        f"status = 'FINISHED' AND tags.t{rng.randrange(5)} = 'x{rng.randrange(20)}'",
        [],
    ),
    "one run by name": lambda rng: (f"run_name = 'run {rng.randrange(1000)}'", []),
    "pattern on a param": lambda rng: (f"params.p{rng.randrange(5)} ILIKE '%V{rng.randrange(5)}'", ["metrics.m1 DESC"]),
    "pattern that nothing meets, by metric": lambda rng: (
        f"params.p{rng.randrange(5)} ILIKE '%zz{rng.randrange(100)}%'",
        ["metrics.m1 DESC"],
    ),
    "conditions that exclude each other": lambda rng: (
        f"metrics.m1 > {0.51 + rng.random() / 10:.4f} AND metrics.anti > {0.51 + rng.random() / 10:.4f}",
        ["metrics.m2 DESC"],
    ),
    "OR and NOT, by metric": lambda rng: (
        f"(metrics.m1 > {rng.random():.3f} OR NOT params.p1 IN ('v1', 'v2')) AND NOT tags.t1 LIKE 'x1%'",
        ["metrics.m2"],
    ),
    "words, latest first": lambda rng: (f"text MATCH 'x{rng.randrange(20)} run'", []),
    "rare words, by metric": lambda rng: (f"text MATCH 'n{rng.randrange(1000)}'", ["metrics.m3 DESC"]),
    "by user": lambda rng: (f"metrics.m1 > {rng.random() / 2:.3f}", ["user_id"]),
}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--cache", type=int, default=2, help="MiB of the connection's cache; 2 is SQLite's own")
    arguments.add_argument("--mmap", type=int, default=0, help="MiB of the file that are mapped")
    options = arguments.parse_args()
    about = machine(sqlite=sqlite3.sqlite_version) | {"cache_mib": options.cache, "mmap_mib": options.mmap}
    rows = [row for runs in options.runs for row in measured(runs, options)]
    RESULTS.joinpath("search.json").write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")


def measured(runs: int, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    path = FOLDER / f"{runs}.sqlite"
    if not path.exists():
        make(path, runs)
    size = path.stat().st_size / 2**20
    print(f"\n{runs:,} runs, {size:,.0f} MiB{'':>24} p50 ms   p95 ms   worst")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA cache_size = -{options.cache * 1024}")
    connection.execute(f"PRAGMA mmap_size = {options.mmap * 2**20}")
    rng = random.Random(runs)
    for what, question in QUESTIONS.items():
        times = sorted(timed(connection, question, rng) for _ in range(options.rounds))
        p50, p95 = statistics.median(times), times[int(len(times) * 0.95)]
        peer = PEER.get(runs) if what == next(iter(QUESTIONS)) else None
        print(f"  {what:<42} {p50:8.2f} {p95:8.2f} {times[-1]:8.2f}" + (f"   peer {peer:.0f}" if peer else ""))
        yield {"what": what, "runs": runs, "p50_ms": p50, "p95_ms": p95, "worst_ms": times[-1], "peer_ms": peer}
    yield {"what": "size of the file", "runs": runs, "mib": size}


def timed(connection: sqlite3.Connection, question: Question, rng: random.Random) -> float:
    """Of one first page of 100, with the parsing, in milliseconds."""
    text, order_by = question(rng)
    before = time.thread_time()
    orders = RUNS.complete(parse_order(order_by, RUNS))
    runs_page(connection, RunQuery(experiments=("1",), filter=parse_filter(text, RUNS), orders=orders, limit=100))
    return (time.thread_time() - before) * 1000


def make(path: Path, runs: int) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    connection = sqlite3.connect(draft)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + TABLES)
    for statement in STATEMENTS:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO experiments (number, id, workspace, name, lifecycle) VALUES (1, '1', 'default', 'e', 'active')"
    )
    before = time.perf_counter()
    for first in range(1, runs + 1, BATCH):
        numbers = range(first, min(first + BATCH, runs + 1))
        fill(connection, rng, numbers)
        index_text(connection, numbers)
        connection.commit()
    print(f"made {runs:,} runs in {time.perf_counter() - before:.0f} s")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    draft.rename(path)


def fill(connection: sqlite3.Connection, rng: random.Random, numbers: range) -> None:
    states = ("FINISHED",) * 8 + ("FAILED", "RUNNING")
    for number in numbers:
        start = 1_700_000_000_000 + rng.randrange(10**9)
        lifecycle = "deleted" if rng.random() < 0.02 else "active"
        run = (
            number,
            f"{rng.getrandbits(128):032x}",
            f"run {number % 1000} n{number // 10}",
            f"user{rng.randrange(9)}",
        )
        more = (rng.choice(states), lifecycle, start, start + rng.randrange(10**6))
        connection.execute("INSERT INTO runs VALUES (?, ?, 1, 'default', ?, ?, ?, ?, ?, ?, '', NULL)", run + more)
        params = [(number, f"p{n}", f"v{rng.randrange(5)}") for n in range(10)]
        connection.executemany("INSERT INTO params VALUES (?, ?, ?, 1)", params)
        tags = [(number, f"t{n}", f"x{rng.randrange(20)}") for n in range(5)]
        connection.executemany("INSERT INTO tags VALUES (?, ?, ?, 1)", tags)
        metrics = [(number, f"m{n}", rng.random()) for n in range(10)] + [(number, "half", rng.random())] * (number % 2)
        metrics.append((number, "anti", 1 - metrics[1][2]))
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, 0, 0, 0, 1)", metrics)


if __name__ == "__main__":
    main()
