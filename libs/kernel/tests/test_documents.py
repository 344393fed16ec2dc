"""What a kind of document does with texts."""

from dataclasses import dataclass

import pytest

from murmur_kernel.documents import Kind


@dataclass(frozen=True)
class Stone:
    name: str
    weight: float = 1.0


def kind(*, keeps: int = 0) -> Kind[Stone]:
    return Kind("stone", Stone, key=lambda stone: stone.name, keeps=keeps)


@pytest.mark.parametrize(("keeps", "same"), [(0, False), (1, True)])
def test_a_kind_decodes_a_text_once_where_it_keeps_what_it_decoded(keeps: int, same: bool) -> None:
    stones = kind(keeps=keeps)
    text = stones.dump(Stone("flint"))
    first, second = stones.load(text), stones.load(text)
    assert first == second == Stone("flint")
    assert (first is second) is same


def test_a_kind_forgets_what_is_more_than_it_keeps() -> None:
    stones = kind(keeps=1)
    first = stones.load(stones.dump(Stone("flint")))
    stones.load(stones.dump(Stone("slate")))
    assert stones.load(stones.dump(Stone("flint"))) is not first
