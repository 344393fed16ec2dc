"""What a benchmark writes and prints: rows of ours beside the peer's, judged by target and floor."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure. `judged` says what target and floor are about: ours, or the ratio of the peer's to ours.

    more_is_better: for what is judged. rates: both figures are; the ratio is then ours to the peer's.
    """

    what: str
    ours: float
    unit: str
    peer: float | None = None
    ours_p95: float | None = None
    ours_p99: float | None = None
    peer_p95: float | None = None
    peer_p99: float | None = None
    judged: Literal["ours", "ratio"] = "ours"
    more_is_better: bool = False
    rates: bool = False
    target: float | None = None
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        if self.peer is None:
            return None
        return self.ours / self.peer if self.rates else self.peer / self.ours

    @property
    def verdict(self) -> str:
        """ "" where nothing is asked."""
        value = self.ours if self.judged == "ours" else self.ratio
        if value is None or self.target is None or self.floor is None:
            return ""
        sign = 1 if self.more_is_better else -1
        if sign * value >= sign * self.target:
            return "target"
        return "floor" if sign * value >= sign * self.floor else "UNDER THE FLOOR"


def machine(**versions: str) -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        **versions,
    }


def finish(name: str, rows: Sequence[Row], *, machine: Mapping[str, Any], settings: Mapping[str, Any]) -> int:
    """Writes results/<name>.json, prints the table; the exit code: 1 when a row is under its floor."""
    document = {
        "machine": machine,
        "settings": settings,
        "rows": [
            {**asdict(row), "ratio": None if row.ratio is None else round(row.ratio, 2), "verdict": row.verdict}
            for row in rows
        ],
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    print_table(rows)
    print(f"\nwritten to {path}")
    return int(any(row.verdict == "UNDER THE FLOOR" for row in rows))


def print_table(rows: Sequence[Row]) -> None:
    """A column that says nothing of any row is left out."""
    head = ("what", "ours", "p95", "p99", "peer", "p95", "p99", "ratio", "unit", "target", "floor", "")
    cells = [_cells(row) for row in rows]
    kept = [column for column in range(len(head)) if any(line[column] for line in cells)]
    lines = [tuple(line[column] for column in kept) for line in (head, *cells)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(kept))]
    for line in lines:
        first, *others = line
        padded = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        print("  ".join(padded).rstrip())


def _cells(row: Row) -> tuple[str, ...]:
    of = "x" if row.judged == "ratio" else ""
    return (
        row.what,
        _number(row.ours),
        _number(row.ours_p95),
        _number(row.ours_p99),
        _number(row.peer),
        _number(row.peer_p95),
        _number(row.peer_p99),
        "" if row.ratio is None else f"{row.ratio:.1f}x",
        row.unit,
        _number(row.target) + (of if row.target is not None else ""),
        _number(row.floor) + (of if row.floor is not None else ""),
        row.verdict,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
