"""How long and how large: by environment, so that the benchmark can be tried small."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """runs: how many the history has when it is searched, ascending. queries: of each search, at most.

    patience: seconds for one series of searches, after which five are enough.
    """

    runs: tuple[int, ...] = (1_000, 10_000, 100_000)
    seconds: float = 6.0
    repeats: int = 3
    queries: int = 60
    patience: float = 60.0

    @classmethod
    def of_environment(cls) -> "Sizes":
        """MURMUR_BENCH_RUNS="200,500", MURMUR_BENCH_SECONDS, MURMUR_BENCH_REPEATS, MURMUR_BENCH_QUERIES.

        Raises ValueError.
        """
        asked = os.environ
        runs = tuple(int(one) for one in asked.get("MURMUR_BENCH_RUNS", "1000,10000,100000").split(","))
        if list(runs) != sorted(set(runs)) or runs[0] < 200:
            raise ValueError(
                f"MURMUR_BENCH_RUNS is {asked['MURMUR_BENCH_RUNS']!r}: give ascending numbers from 200 on,"
                " such as 200,500"
            )
        return cls(
            runs=runs,
            seconds=float(asked.get("MURMUR_BENCH_SECONDS", cls.seconds)),
            repeats=int(asked.get("MURMUR_BENCH_REPEATS", cls.repeats)),
            queries=int(asked.get("MURMUR_BENCH_QUERIES", cls.queries)),
        )
