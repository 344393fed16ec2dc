"""How fast the ledger appends and is verified, per core, beside two small libraries for such logs: `make bench-audit`.

Entries are the golden examples of every topic that the ledger holds whole. Ours syncs every batch of 500 to the disk
and hashes every byte at verification; `tamperlog` (Merkle tree, MIT) and `tamperloom` (hash chain, MIT) sync and sign
nothing. Per core means per second of processor time of one thread, so that neighbours on the machine do not count.
"""

import argparse
import cProfile
import io
import json
import os
import platform
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from contracts.examples import golden
from murmur_audit.domain.recording import DIGESTED
from murmur_ledger.batching import contents_of
from murmur_ledger.contents import Record
from murmur_ledger.verify import verify
from murmur_ledger.writer import LedgerWriter

RESULTS = Path(__file__).parent / "results"
BATCH = 500
PEER_SHARE = 10
"""The peers get a tenth of the entries: they would take minutes."""

Speeds = list[tuple[float, float]]

PEER = """
import contextlib, io, json, sys, time
from pathlib import Path
folder, payloads = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
import tamperlog
from tamperlog.storage import JSONLStorage
from tamperloom.logger import AuditLogger
from tamperloom.verifier import verify_chain

def timed(work):
    began = time.process_time()
    work()
    return len(payloads) / (time.process_time() - began)

log = tamperlog.AppendOnlyLog(JSONLStorage(folder / "merkle.log"))
merkle_append = timed(lambda: [log.append(payload.encode()) for payload in payloads])
checkpoint = log.checkpoint()
merkle_verify = timed(lambda: type(log)(JSONLStorage(folder / "merkle.log")).verify_against(checkpoint))
chain = AuditLogger(str(folder / "chain.log"))
chain_append = timed(lambda: [chain.log("event", "trainer", "said", "credit", {"value": p}) for p in payloads])
with contextlib.redirect_stdout(io.StringIO()):
    chain_verify = timed(lambda: verify_chain(str(folder / "chain.log")))
print(json.dumps({"tamperlog": [merkle_append, merkle_verify], "tamperloom": [chain_append, chain_verify]}))
"""


def now() -> datetime:
    return datetime.now(UTC)


def records(count: int) -> list[Record]:
    """The golden examples over and over, four partitions a topic, offsets in order."""
    examples = [one for one in golden() if one.topic not in DIGESTED]
    found, offsets = [], dict[tuple[str, int], int]()
    for number in range(count):
        turn, index = divmod(number, len(examples))
        one = examples[index]
        place = (one.topic, turn % 4)
        offsets[place] = offsets.get(place, -1) + 1
        found.append(Record(*place, offsets[place], one.key.encode(), one.wire_headers, one.wire_value))
    return found


@contextmanager
def timed(count: int, into: Speeds) -> Iterator[None]:
    """Adds (per second of processor, per second of the clock)."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into.append((count / (time.process_time() - cpu), count / (time.perf_counter() - wall)))


def append_all(folder: Path, told: list[Record]) -> None:
    with LedgerWriter(folder, clock=now) as writer:
        for begin in range(0, len(told), BATCH):
            batch = told[begin : begin + BATCH]
            writer.append(contents_of(batch, writer.places, digested=DIGESTED, at=now()))


def measure(told: list[Record], repeats: int) -> tuple[Speeds, Speeds, str, float]:
    appended: Speeds = []
    verified: Speeds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            with timed(len(told), appended):
                append_all(Path(folder) / f"{number}", told)
        ledger = Path(folder) / "0"
        size = sum(path.stat().st_size for path in ledger.glob("*.ledger")) / len(told)
        for _ in range(repeats):
            with timed(len(told), verified):
                assert verify(ledger).ok
        return appended, verified, profiled(lambda: verify(ledger)), size


def profiled(work: Callable[[], object]) -> str:
    profile, text = cProfile.Profile(), io.StringIO()
    profile.runcall(work)
    pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(8)
    return text.getvalue()


def peers(python: Path, told: list[Record]) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        payloads = Path(folder) / "payloads.json"
        payloads.write_text(json.dumps([one.value.decode() for one in told[::PEER_SHARE]]))
        command = [str(python), "-c", PEER, folder, str(payloads)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found: dict[str, list[float]] = json.loads(done.stdout)
        return found


def rows(appended: Speeds, verified: Speeds, beside: dict[str, list[float]]) -> list[dict[str, Any]]:
    """The best run of each: what disturbs only makes slower."""
    found = []
    for index, (what, runs, target, floor) in enumerate(
        (("append, synced", appended, 20_000, 10_000), ("verify", verified, 200_000, 100_000))
    ):
        ours = max(cpu for cpu, _ in runs)
        peer = max((figures[index] for figures in beside.values()), default=None)
        found.append(
            {
                "what": what,
                "ours": round(ours),
                "ours_by_the_clock": round(max(wall for _, wall in runs)),
                "peer": round(peer) if peer else None,
                "peers": {name: round(figures[index]) for name, figures in beside.items()},
                "ratio": round(ours / peer, 1) if peer else None,
                "unit": "entries/s per core",
                "target": target,
                "floor": floor,
            }
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="a Python that has tamperlog and tamperloom")
    options = parser.parse_args()
    told = records(options.entries)
    appended, verified, profile, size = measure(told, options.repeats)
    beside = peers(options.peers, told) if options.peers else {}
    measured = rows(appended, verified, beside)
    document = {
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "python": platform.python_version(),
            "load": [round(one, 1) for one in os.getloadavg()],
        },
        "settings": {
            "ours": f"{options.entries:,} entries of {size:,.0f} bytes, fdatasync after each batch of {BATCH}",
            "peers": f"tamperlog, tamperloom 0.1.0: {options.entries // PEER_SHARE:,} entries, no sync, no signature",
        },
        "rows": measured,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "audit.json").write_text(json.dumps(document, indent=1) + "\n")
    (RESULTS / "audit-profile.txt").write_text(profile)
    for row in measured:
        print(  # the table of the benchmark
            f"{row['what']:<16}{row['ours']:>10,} {row['unit']}  (peer {row['peer'] or 0:,}, target {row['target']:,},"
            f" floor {row['floor']:,}; by the clock {row['ours_by_the_clock']:,}/s)"
        )
    return int(any(row["ours"] < row["floor"] for row in measured))


if __name__ == "__main__":
    sys.exit(main())
