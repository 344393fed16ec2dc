"""A window says the same whatever order its rows came in, how often they came, and who was killed meanwhile."""

from datetime import timedelta
from itertools import permutations

import numpy as np
import pytest
from monitor_facts import START, People, predictions, spread

from murmur_monitor.batches import NotFoldable, batch_of
from murmur_monitor.codec import decode, decode_key, encode, encode_key
from murmur_monitor.domain.folding import MAX_SEGMENTS, SAMPLE_BYTES, Batch, ColumnsDiffer, Fold
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.ports import FoldKey

LATER = as_millis(START + timedelta(days=1))
K = 300


def batches(count: int, *, rows: int = 100, segment: str = "segment") -> list[Batch]:
    people = People(7)
    return [
        batch_of(
            predictions(people.rows(rows), spread(rows), offset=number * rows, segment=segment, statuses={3: 500}),
            offset=number,
            latest=LATER,
        )
        for number in range(count)
    ]


def folded(fold: Fold, *parts: Batch) -> Fold:
    for batch in parts:
        fold = fold.folded(batch, np.arange(len(batch.times)), sample_rows=K)
    return fold


def same(one: Fold, other: Fold) -> bool:
    return (
        (one.rows, one.errors, one.outputs) == (other.rows, other.errors, other.outputs)
        and np.array_equal(one.latencies, other.latencies)
        and np.array_equal(one.sample.ranks, other.sample.ranks)
        and np.array_equal(one.sample.values, other.sample.values)
        and one.output_sum == pytest.approx(other.output_sum, rel=1e-12)
    )


def test_counts_errors_outputs_and_latencies_are_those_of_the_rows() -> None:
    parts = batches(4)
    fold = folded(Fold("credit"), *parts)
    answered = np.concatenate([part.values[~part.failed, -1] for part in parts]).astype(float)
    assert (fold.rows, fold.errors, fold.outputs) == (400, 4, 396)
    assert fold.output_mean == pytest.approx(answered.mean())
    assert fold.latency_ms(0.5) == pytest.approx(25, rel=0.03)
    assert fold.latency_ms(0.99) == pytest.approx(50, rel=0.03)


def test_an_empty_window_has_no_latency_and_no_mean() -> None:
    assert Fold("credit").latency_ms(0.5) is None
    assert Fold("credit").output_mean is None


def test_a_record_that_was_folded_before_changes_nothing() -> None:
    first, second, third = batches(3)
    fold = folded(Fold("credit"), first, second)
    assert folded(fold, first) is fold
    assert same(folded(fold, second, third), folded(Fold("credit"), first, second, third))


def test_a_batch_that_its_server_sent_twice_counts_once() -> None:
    (batch,) = batches(1)
    again = Batch(**{**vars(batch), "offset": 99})
    fold = folded(Fold("credit"), batch, again)
    assert (fold.rows, fold.offset) == (100, 99)


def test_partitions_may_be_merged_in_any_order() -> None:
    parts = [folded(Fold("credit"), batch) for batch in batches(3)]
    merged = [
        first.merged(second, sample_rows=K).merged(third, sample_rows=K) for first, second, third in permutations(parts)
    ]
    assert all(same(one, merged[0]) for one in merged)
    assert same(merged[0], folded(Fold("credit"), *batches(3)))


def test_the_sample_is_bounded_and_favours_no_batch() -> None:
    parts = [batch for segment in "abcdefgh" for batch in batches(5, segment=segment)]
    numbered = [Batch(**{**vars(batch), "offset": number}) for number, batch in enumerate(parts)]
    sample = folded(Fold("credit"), *numbered).sample
    assert len(sample.ranks) == K
    first_half = set(np.concatenate([batch.ranks for batch in numbered[:20]]).tolist())
    drawn = sum(rank in first_half for rank in sample.ranks.tolist())
    assert drawn == pytest.approx(K / 2, abs=45)  # 5 standard deviations


def test_a_fold_fits_well_into_a_message_however_wide_its_rows_are() -> None:
    columns = tuple(f"c{number}" for number in range(500))
    ranks = np.random.default_rng(1).integers(0, 2**63, 5000).astype(np.uint64)
    values = np.ones((5000, 501), np.float32)
    (batch,) = batches(1, rows=5000)
    wide = Batch(**{**vars(batch), "columns": columns, "ranks": ranks, "values": values})
    fold = wide_fold = Fold("credit").folded(wide, np.arange(5000), sample_rows=5000)
    assert len(encode(wide_fold)) < SAMPLE_BYTES + 20_000
    assert len(fold.sample.ranks) > 100


def test_other_columns_in_one_window_are_refused() -> None:
    (batch,) = batches(1)
    other = Batch(**{**vars(batch), "offset": 1, "segment": "other", "columns": ("amount", "income", "age")})
    with pytest.raises(ColumnsDiffer, match="'age', 'education'"):
        folded(Fold("credit"), batch, other)


def test_only_the_newest_segments_are_remembered() -> None:
    (batch,) = batches(1)
    many = [Batch(**{**vars(batch), "offset": number, "segment": str(number)}) for number in range(MAX_SEGMENTS + 5)]
    fold = folded(Fold("credit"), *many)
    assert len(fold.segments) == MAX_SEGMENTS
    assert fold.rows == 100 * (MAX_SEGMENTS + 5)


def test_a_fold_survives_its_bytes() -> None:
    fold = folded(Fold("credit"), *batches(3))
    read = decode(encode(fold))
    assert same(read, fold)
    assert (read.offset, read.segments, read.sample.columns) == (fold.offset, fold.segments, fold.sample.columns)
    assert same(folded(read, *batches(4)), folded(fold, *batches(4)))
    assert encode(decode(encode(Fold("credit")))) == encode(Fold("credit"))


def test_a_key_survives_its_bytes() -> None:
    key = FoldKey(3, "credit", 7, Window(1000, 2000))
    assert decode_key(encode_key(key)) == key


def test_a_row_has_the_same_rank_whoever_sends_it() -> None:
    rows = People(1).rows(10)
    whole = batch_of(predictions(rows, spread(10)), 0, latest=LATER)
    rest = batch_of(predictions(rows[4:], spread(6), offset=4), 17, latest=LATER)
    assert whole.ranks[4:].tolist() == rest.ranks.tolist()


def test_missing_values_are_not_numbers() -> None:
    event = predictions(People(1).rows(2), spread(2))
    event = event.model_copy(update={"outputs": (None, 0.5), "features": event.features | {"income": (1.0, None)}})
    batch = batch_of(event, 0, latest=LATER)
    assert np.isnan(batch.values[0, -1])
    assert np.isnan(batch.values[1, 1])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"latencies_ms": (1.0,)}, "latencies_ms': 1"),
        ({"features": {"amount": (1.0, 2.0, 3.0)}}, r"features\.amount': 3"),
        ({"times": tuple(spread(2, start=START + timedelta(days=2)))}, "set the clock"),
        ({"times": tuple(time.replace(tzinfo=None) for time in spread(2))}, "names no zone"),
        ({"request_ids": ()}, "one entry a row"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_in_words(change: dict[str, object], complaint: str) -> None:
    event = predictions(People(1).rows(2), spread(2)).model_copy(update=change)
    with pytest.raises(NotFoldable, match=complaint):
        batch_of(event, 0, latest=LATER)
