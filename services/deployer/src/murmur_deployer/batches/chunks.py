"""One chunk of rows as requests to a replica: an output for each row that the model takes, a reason for the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from murmur_deployer.batches.errors import BatchRefused
from murmur_deployer.batches.ports import Matrix, ReplicaAway, RowsRefused, Scorer
from murmur_deployer.domain.replicas import Replica
from murmur_kernel.backoff import Backoff

MOST_ROWS = 250
"""Of one request: live requests wait for so many at most, and up to 255 rows are answered by the engine that answers a
single one, so that a batch's outputs are those of single requests, bit for bit."""
MOST_CELLS = 20_000
"""Rows times columns of one request: well below the largest that the runtime's short way takes."""


@dataclass(frozen=True)
class Scored:
    """Of each row in turn, the output and no error, or the other way round."""

    outputs: Sequence[float | None]
    errors: Sequence[str | None]

    @property
    def failed(self) -> int:
        return sum(error is not None for error in self.errors)


@dataclass(frozen=True)
class Manners:
    """How a batch behaves towards live traffic, and how much it bears.

    share:       the part of a replica's time that it takes at most; it rests after each request accordingly
    patience:    seconds that a replica may be away
    failed_rows: how many of the batch may be refused
    seconds:     for the answer to one request; fewer rows are asked about at once where it takes longer
    """

    share: float = 0.5
    patience: float = 300.0
    failed_rows: int = 1000
    seconds: float = 30.0


class _TooSlow(ReplicaAway):
    """No answer in time. About fewer rows there may be one."""


class ChunkScorer:
    """One request at a time. replica: finds who scores now, and raises BatchRefused when nobody will any more."""

    def __init__(
        self, scorer: Scorer, columns: Sequence[str], replica: Callable[[], Awaitable[Replica]], manners: Manners
    ) -> None:
        self._scorer = scorer
        self._columns = tuple(columns)
        self._replica = replica
        self._manners = manners
        self._at_once = max(1, min(MOST_ROWS, MOST_CELLS // len(self._columns)))
        self._most = self._at_once
        self._to: Replica | None = None
        self._rested_at = 0.0

    async def score(self, chunk_id: str, rows: Matrix, *, first_row: int, failed_before: int) -> Scored:
        """chunk_id: begins the ids of its requests, which are the same whenever the chunk is scored, as long as as many
        rows are answered in time. first_row: the number of the chunk's first row in the input.

        Raises BatchRefused: too many rows were refused, the version is gone, or nobody answered for too long.
        """
        self._to, self._most = None, self._at_once
        outputs: list[float | None] = [None] * len(rows)
        errors = self._infinite(rows)
        self._bear(errors, first_row, failed_before)
        good = [place for place, error in enumerate(errors) if error is None]
        for number, begin in enumerate(range(0, len(good), self._at_once)):
            places = good[begin : begin + self._at_once]
            await self._ask(f"{chunk_id}/{number:03d}", rows, places, outputs, errors)
            self._bear(errors, first_row, failed_before)
        return Scored(outputs, errors)

    def _bear(self, errors: Sequence[str | None], first_row: int, failed_before: int) -> None:
        """Raises BatchRefused once more rows were refused than a batch may have."""
        failed = failed_before + sum(error is not None for error in errors)
        if failed > self._manners.failed_rows:
            first = next(place for place, error in enumerate(errors) if error is not None)
            raise BatchRefused(
                "too_many_failed_rows",
                f"{failed} rows were refused, and {self._manners.failed_rows} may be, such as row"
                f" {first_row + first}: {errors[first]}",
            )

    def _infinite(self, rows: Matrix) -> list[str | None]:
        """JSON has no word for it: it would arrive as a missing value."""
        errors: list[str | None] = [None] * len(rows)
        for place, position in np.argwhere(np.isinf(rows))[::-1]:
            errors[place] = f"input {self._columns[position]!r} is infinite: leave it empty if it is missing"
        return errors

    async def _ask(
        self,
        request_id: str,
        rows: Matrix,
        places: Sequence[int],
        outputs: list[float | None],
        errors: list[str | None],
    ) -> None:
        """A request that is refused is asked again in halves, until the rows that are at fault are alone; one that is
        not answered in time too, until as few rows are asked about at once as are."""
        if len(places) <= self._most:
            try:
                answered = await self._answer(request_id, rows[places])
            except RowsRefused as refused:
                if len(places) == 1:
                    errors[places[0]] = str(refused).replace(" in row 0", "")
                    return
            except _TooSlow:
                self._most = (len(places) + 1) // 2
            else:
                for place, output in zip(places, answered, strict=True):
                    outputs[place] = output
                    errors[place] = None if output is not None else "the model's output is not a number"
                return
        middle = len(places) // 2
        await self._ask(f"{request_id}a", rows, places[:middle], outputs, errors)
        await self._ask(f"{request_id}b", rows, places[middle:], outputs, errors)

    async def _answer(self, request_id: str, rows: Matrix) -> Sequence[float | None]:
        """Raises RowsRefused; _TooSlow, of more than one row."""
        loop, backoff = asyncio.get_running_loop(), Backoff()
        until = loop.time() + self._manners.patience
        while True:
            self._to = self._to or await self._replica()
            try:
                return await self._request(self._to, request_id, rows)
            except ReplicaAway as away:
                self._to = None
                if isinstance(away, _TooSlow) and len(rows) > 1:
                    raise
                if loop.time() >= until:
                    raise BatchRefused(
                        "not_answering", f"no answer for {self._manners.patience:g} s, the last: {away}"
                    ) from away
                await asyncio.sleep(backoff.next())

    async def _request(self, to: Replica, request_id: str, rows: Matrix) -> Sequence[float | None]:
        """Begins when the rest is over that the request before has cost, whatever became of it."""
        loop, seconds = asyncio.get_running_loop(), self._manners.seconds
        if (rest := self._rested_at - loop.time()) > 0:
            await asyncio.sleep(rest)
        started = loop.time()
        try:
            async with asyncio.timeout(seconds):
                return await self._scorer.score(to, request_id, self._columns, rows)
        except TimeoutError:
            raise _TooSlow(f"replica {to.name!r} took longer than {seconds:g} s for {len(rows)} rows") from None
        finally:
            ended = loop.time()
            self._rested_at = ended + (ended - started) * (1 / self._manners.share - 1)
