"""How a batch asks: not more than it may at once, not longer than it should, and with a rest after each request."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_harness import BatchHarness, rows

from murmur_deployer.batches.chunks import ChunkScorer, Manners
from murmur_deployer.batches.errors import BatchRefused
from murmur_deployer.batches.ports import Matrix
from murmur_deployer.batches.testing import FakeScorer
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.rules import DeploymentRules

COLUMNS = ("a", "kind")


def table(count: int) -> Matrix:
    draw = np.random.default_rng(5)
    return np.column_stack([draw.normal(size=count), draw.integers(1, 4, count).astype(float)])


@dataclass
class Machine:
    """Its clock runs while somebody computes, `seconds` for a row, and no time is spent on resting."""

    seconds: float = 0.0
    now: float = 0.0
    rests: list[float] = field(default_factory=list)

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)


@pytest.fixture
async def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr("murmur_deployer.batches.chunks.asyncio.sleep", machine.rest)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: machine.now)
    return machine


@dataclass
class SlowScorer(FakeScorer):
    machine: Machine = field(default_factory=Machine)

    async def score(self, replica: Replica, request_id: str, columns: Sequence[str], rows: Matrix) -> Any:
        self.machine.now += 2.0
        return await super().score(replica, request_id, columns, rows)


async def the_replica() -> Replica:
    return Replica("credit-v1-1", "credit", 1, 9, 10)


async def test_a_batch_rests_between_its_requests(machine: Machine) -> None:
    """At a share of a quarter, three times as long as the request took."""
    scorer = ChunkScorer(SlowScorer(machine=machine), COLUMNS, the_replica, Manners(share=0.25))
    await scorer.score("b-1/000000", table(600), first_row=0, failed_before=0)
    await scorer.score("b-1/000001", table(100), first_row=600, failed_before=0)
    assert machine.rests == [6.0, 6.0, 6.0]


async def test_a_request_that_was_refused_or_failed_costs_its_rest_too(machine: Machine) -> None:
    given = table(2)
    given[1, 1] = -1.0
    refusing = SlowScorer(machine=machine)
    await ChunkScorer(refusing, COLUMNS, the_replica, Manners(share=0.25)).score(
        "b-1/000000", given, first_row=0, failed_before=0
    )
    assert [name for name, _ in refusing.asked] == ["b-1/000000/000", "b-1/000000/000a", "b-1/000000/000b"]
    assert machine.rests == [6.0, 6.0]
    machine.rests.clear()
    await ChunkScorer(SlowScorer(machine=machine, away=1), COLUMNS, the_replica, Manners(share=0.25)).score(
        "b-1/000000", table(1), first_row=0, failed_before=0
    )
    backoff, rest = machine.rests
    assert (backoff <= 0.1, rest) == (True, 6.0)


async def test_what_is_not_answered_in_time_is_asked_again_in_halves() -> None:
    """A later request of the chunk begins with as many rows as were answered."""
    scorer = FakeScorer(in_time=100)
    given = table(350)
    scored = await ChunkScorer(scorer, COLUMNS, the_replica, Manners(share=1.0, seconds=0.01)).score(
        "b-1/000000", given, first_row=0, failed_before=0
    )
    assert scored.outputs == [float(output) for output in np.nansum(given, axis=1)]
    assert [(name.rsplit("/", 1)[1], count) for name, count in scorer.asked] == [
        ("000", 250),
        ("000a", 125),
        ("000aa", 62),
        ("000ab", 63),
        ("000ba", 62),
        ("000bb", 63),
        ("001a", 50),
        ("001b", 50),
    ]


async def test_one_row_that_is_never_answered_in_time_ends_the_batch() -> None:
    manners = Manners(share=1.0, patience=0.0, seconds=0.01)
    with pytest.raises(BatchRefused, match=r"took longer than 0\.01 s for 1 rows") as refused:
        await ChunkScorer(FakeScorer(in_time=0), COLUMNS, the_replica, manners).score(
            "b-1/000000", table(2), first_row=0, failed_before=0
        )
    assert refused.value.cause == "not_answering"


@pytest.mark.parametrize(("timeout", "answered"), [(60.0, 1), (20.0, 2), (1.0, 10)])
async def test_a_request_may_take_as_long_as_the_deployments_clients_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timeout: float, answered: int
) -> None:
    """250 rows take 25 s. Five seconds it has in any case, which are enough for 31 of them."""
    loop, now = asyncio.get_running_loop(), 0.0
    batches = BatchHarness("memory", tmp_path)
    answer = batches.scorer.score

    async def slowly(*asked: Any) -> Sequence[float | None]:
        nonlocal now
        now += 0.1 * len(asked[-1])
        for _ in range(3):
            await asyncio.sleep(0)  # whoever has waited long enough gives up
        return await answer(*asked)

    batches.scorer.score = slowly  # type: ignore[method-assign]
    async with batches.kernel:
        await batches.serve(1)
        await batches.kernel.given(DeploymentRules(workflow="credit", timeout=timeout))
        given = await batches.sent(rows(250))
        await batches.ask(given)
        monkeypatch.setattr(loop, "time", lambda: now)
        await batches.run()
        monkeypatch.undo()
        [fact] = batches.kernel.take_published()
    assert (fact.rows, fact.failed_rows, len(batches.scorer.asked)) == (250, 0, answered)
