"""What was measured, as rows: which ratio counts, with which target and floor."""

from collections.abc import Sequence
from statistics import median

from results import Row

from tracked.wire import Timed

WRITES = (10.0, 4.0)
"""Target and floor of issue 6: how many times the peer's throughput."""
SEARCH = (20.0, 10.0)
"""How many times faster, at 100,000 runs."""
COMPARING_MS = 20.0
MEMORY_MIB = 300.0
GROWN_MIB = 50.0
"""What "flat" is taken to mean: caches of 100,000 runs may take so much."""


def middle(runs: Sequence[Timed]) -> Timed:
    """Medians, each of its own; of turns and refusals the sum."""
    rate, p50, p95, p99 = (median(getattr(one, name) for one in runs) for name in ("per_second", "p50", "p95", "p99"))
    return Timed(rate, p50, p95, p99, sum(one.turns for one in runs), sum(one.refused for one in runs))


def throughput(what: str, ours: Timed, peer: Timed, asked: tuple[float, float] | None = None) -> list[Row]:
    """Per second, judged by its ratio; and how long each took."""
    target, floor = asked or (None, None)
    rate = Row(
        what=f"{what}: per second",
        ours=ours.per_second,
        peer=peer.per_second,
        unit="1/s",
        judged="ratio",
        more_is_better=True,
        rates=True,
        target=target,
        floor=floor,
    )
    return [rate, latency(f"{what}: each", ours, peer)]


def latency(what: str, ours: Timed, peer: Timed, asked: tuple[float, float] | None = None) -> Row:
    """p50, judged by its ratio where something is asked."""
    target, floor = asked or (None, None)
    return Row(
        what=what,
        ours=ours.p50,
        ours_p95=ours.p95,
        ours_p99=ours.p99,
        peer=peer.p50,
        peer_p95=peer.p95,
        peer_p99=peer.p99,
        unit="ms",
        judged="ratio",
        more_is_better=True,
        target=target,
        floor=floor,
    )


def comparing(what: str, ours: Timed, peer: Timed) -> Row:
    return Row(
        what=what,
        ours=ours.p50,
        ours_p95=ours.p95,
        peer=peer.p50,
        peer_p95=peer.p95,
        unit="ms",
        target=COMPARING_MS,
        floor=COMPARING_MS,
    )


def memory(stages: dict[str, tuple[dict[str, float], dict[str, float]]]) -> list[Row]:
    """stages: in order, ours and the peer's; the last is judged, and how much ours grew since the first."""
    rows, last = [], [*stages][-1] if stages else ""
    for stage, (ours, peer) in stages.items():
        bound = MEMORY_MIB if stage == last else None
        for kind, name in (("rss", "resident"), ("pss", "shared pages shared out")):
            if ours:
                asked = bound if kind == "rss" else None
                rows.append(_mib(f"memory {stage}, {name}", ours[kind], peer.get(kind), asked))
    searched = [both[0]["rss"] for stage, both in stages.items() if stage.endswith("searched") and both[0]]
    if len(searched) > 1:
        rows.append(
            _mib("memory grown from the smallest history to the largest", searched[-1] - searched[0], None, GROWN_MIB)
        )
    return rows


def disk(what: str, ours: float | None, peer: float | None) -> list[Row]:
    return [] if ours is None else [_mib(what, ours, peer, None)]


def _mib(what: str, ours: float, peer: float | None, bound: float | None) -> Row:
    return Row(what=what, ours=ours, peer=peer, unit="MiB", target=bound, floor=bound)
