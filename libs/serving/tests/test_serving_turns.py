"""What is answered together, and what is not."""

from dataclasses import dataclass, field
from typing import Any

from murmur_serving.fastpath.answers import Asked
from murmur_serving.fastpath.requests import Rows
from murmur_serving.fastpath.turns import Turn


@dataclass
class Together:
    """Remembers how many rows were answered at once."""

    sizes: list[list[int]] = field(default_factory=list)

    def answer(self, asked: list[Asked]) -> list[None]:
        self.sizes.append([len(one.rows.rows) for one in asked])
        return [None] * len(asked)


class Anybody:
    def take(self, answer: Any) -> None: ...


def asked(rows: int, *, batch: bool = False) -> Asked:
    return Asked(Rows("r", [[1.0]] * rows), 0.0, False, "", batch)


def test_what_came_in_one_turn_is_answered_together_but_a_batch_by_itself() -> None:
    together, calls = Together(), []
    turn = Turn(calls.append)
    for one in (asked(1), asked(2), asked(250, batch=True), asked(3)):
        turn.ask(together, one, Anybody())
    turn.end()
    assert together.sizes == [[1, 2], [250], [3]]
