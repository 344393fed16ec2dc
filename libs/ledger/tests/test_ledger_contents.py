"""The bytes of an entry are what the README says, and come back as what they were."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmur_ledger.contents import Content, Digest, Event, Place, Places, Record, decoded, digest_of, encoded_record
from murmur_ledger.errors import BadContent
from murmur_ledger.frames import chained, frame_at

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
names = st.text(max_size=40).filter(lambda text: "\x00" not in text)
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
numbers, offsets = st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1)
places = st.builds(Place, names, numbers)
headers = st.lists(st.tuples(names, st.binary(max_size=40)), max_size=5).map(tuple)
found_records = st.builds(Record, names, numbers, offsets, st.binary(max_size=40), headers, st.binary(max_size=400))
contents = st.one_of(
    st.builds(Event, at=times, record=found_records),
    st.builds(
        Digest,
        at=times,
        place=places,
        first=offsets,
        last=offsets,
        count=numbers,
        size=offsets,
        sha256=st.binary(min_size=32, max_size=32),
    ),
    st.builds(Places, at=times, offsets=st.dictionaries(places, offsets, max_size=5)),
)


@settings(max_examples=60)
@given(contents)
def test_a_content_comes_back_as_it_was(content: Content) -> None:
    assert decoded(content.encoded()) == content


@settings(max_examples=60)
@given(contents, st.data())
def test_what_is_cut_short_is_no_content(content: Content, data: st.DataObject) -> None:
    raw = content.encoded()
    with pytest.raises(BadContent):
        decoded(raw[: data.draw(st.integers(0, len(raw) - 1))])


def test_an_entry_lies_there_byte_for_byte_as_the_readme_says() -> None:
    record = Record("a.b", 1, 2, b"k", (("h", b"v"),), b"{}")
    written = (
        b"\x00\x03a.b" + b"\x00\x00\x00\x01" + b"\x00\x00\x00\x00\x00\x00\x00\x02" + b"\x00\x00\x00\x01k"
        b"\x00\x01" + b"\x00\x01h" + b"\x00\x00\x00\x01v" + b"\x00\x00\x00\x02{}"
    )
    assert encoded_record(record) == written
    content = b"\x01" + (1_767_268_800_000_000).to_bytes(8, "big") + written
    assert Event(at=NOON, record=record).encoded() == content
    previous = bytes(range(32))
    head = (7).to_bytes(8, "big") + (3).to_bytes(4, "big") + previous
    packed = chained(7, 3, previous, content).packed()
    assert packed[:8] == b"MLE1" + len(content).to_bytes(4, "big")
    assert packed[8:52] == head
    assert packed[52:84] == sha256(head + sha256(content).digest()).digest()
    assert packed[84:] == content
    assert frame_at(packed, 0) == chained(7, 3, previous, content)


def test_a_digest_is_the_hash_of_its_records_one_behind_the_other() -> None:
    batch = [Record("busy", 0, offset, b"k", (), b"%d" % offset) for offset in (4, 5, 6)]
    digest = digest_of(batch, NOON)
    assert digest.sha256 == sha256(b"".join(encoded_record(one) for one in batch)).digest()
    assert (digest.first, digest.last, digest.count) == (4, 6, 3)
