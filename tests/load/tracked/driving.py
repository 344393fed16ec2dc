"""A closed loop: each connection asks again as soon as it was answered.

One process, one thread, so that the client takes as little as it can of a core that the servers need.
"""

import selectors
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack

from tracked.wire import PATIENCE, Address, Connection, Refused, Timed

Turn = Generator[bytes, bytes, None]
"""What is timed as one: it yields requests and is sent the bodies of their answers."""


def drive(
    address: Address,
    turns: Sequence[Callable[[], Turn]],
    *,
    seconds: float,
    quick: bool,
    least: int = 1,
    most: int | None = None,
) -> Timed:
    """As many connections as `turns`, each taking its own again and again, for `seconds`, or until `most` were taken.

    least: turns that are taken even when the time is over. What is under way at the end is waited for and counted.
    Raises Refused where no turn at all was carried out or the server hangs up; TimeoutError.
    """
    took: list[float] = []
    refused: list[str] = []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        began = time.perf_counter()
        for again in turns:
            seat = _Seat(stack.enter_context(Connection(address, quick)), again)
            selector.register(seat.connection.socket, selectors.EVENT_READ, seat)
            seat.begin()
        while seats := len(selector.get_map()):
            ready = selector.select(PATIENCE)
            if not ready:
                raise TimeoutError(f"{address} has answered nothing for {PATIENCE:g} s")
            for key, _ in ready:
                match key.data.go_on():
                    case None:
                        continue
                    case float(spent):
                        took.append(spent)
                    case complaint:
                        refused.append(complaint)
                taken = len(took) + len(refused)
                enough = time.perf_counter() - began >= seconds and taken + seats > least
                if enough or (most is not None and taken + seats > most):
                    selector.unregister(key.fileobj)
                    seats -= 1
                else:
                    key.data.begin()
    if not took:
        raise Refused(refused[0])
    return Timed.of(took, time.perf_counter() - began, len(refused))


class _Seat:
    """One connection and the turn that it is taking."""

    def __init__(self, connection: Connection, again: Callable[[], Turn]) -> None:
        self.connection = connection
        self._again = again
        self._turn: Turn
        self._at = 0.0

    def begin(self) -> None:
        self._turn = self._again()
        request = next(self._turn)  # made before the clock is read
        self._at = time.perf_counter()
        self.connection.send(request)

    def go_on(self) -> float | str | None:
        """Seconds where the turn ended, a complaint where the server refused, None while it goes on."""
        answer = self.connection.read()
        if answer is None:
            return None
        spent = time.perf_counter() - self._at
        if not answer.well:
            self._turn.close()
            return str(answer)
        try:
            self.connection.send(self._turn.send(answer.body))
        except StopIteration:
            return spent
        return None
