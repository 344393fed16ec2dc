"""Runs as the benchmark makes them: the same for both sides, each from nothing but its number."""

from collections.abc import Iterable
from dataclasses import dataclass

BEGAN = 1_750_000_000_000
"""When the first run started, in milliseconds."""
_MIXED = 2_654_435_761


@dataclass(frozen=True)
class MadeRun:
    name: str
    started: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]

    @property
    def ended(self) -> int:
        return self.started + 60_000


def run(number: int) -> MadeRun:
    """10 params of 10 to 19 values each, 10 metrics between 0 and 1 that no two runs share, 5 tags."""
    return MadeRun(
        name=f"run-{number:06d}",
        started=BEGAN + number * 1000,
        params={f"p{at}": str(_mixed(number, at) % (10 + at)) for at in range(10)},
        metrics={f"m{at}": _mixed(number, 100 + at) / 2**32 for at in range(10)},
        tags={f"t{at}": f"team-{_mixed(number, 200 + at) % 20}" for at in range(5)},
    )


@dataclass(frozen=True)
class Query:
    """Runs whose metric is below a bound and whose param has a value, the highest `by` first."""

    metric: str
    below: str
    param: str
    value: str
    by: str

    @property
    def filter(self) -> str:
        return f"metrics.{self.metric} < {self.below} AND params.{self.param} = '{self.value}'"

    @property
    def order(self) -> str:
        return f"metrics.{self.by} DESC"

    def answer(self, runs: Iterable[MadeRun], limit: int) -> list[str]:
        """The names that the first page over these runs must hold, in order."""
        below = float(self.below)
        found = [one for one in runs if one.metrics[self.metric] < below and one.params[self.param] == self.value]
        return [one.name for one in sorted(found, key=lambda one: one.metrics[self.by], reverse=True)[:limit]]


def query(number: int) -> Query:
    """Each number another, each of about 5 % of the runs."""
    return Query(
        metric=f"m{number % 5}",
        below=f"{0.4 + number % 37 / 185:.6f}",
        param=f"p{number % 3}",
        value=str(number % 10),
        by=f"m{5 + number % 5}",
    )


def _mixed(number: int, salt: int) -> int:
    """32 bits that look like chance; for one salt no two numbers have the same (each step can be undone)."""
    value = (number * _MIXED + salt * 40_503) % 2**32
    value ^= value >> 15
    value = value * 2_246_822_519 % 2**32
    value ^= value >> 13
    return value
