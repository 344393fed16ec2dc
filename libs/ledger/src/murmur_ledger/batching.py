"""From records as they were read to what is appended: each offset once, busy topics as digests."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from murmur_ledger.contents import Content, Event, Place, Record, digest_of


def contents_of(
    records: Iterable[Record], held: Mapping[Place, int], *, digested: Collection[str], at: datetime
) -> list[Content]:
    """Events in the order given, then one digest for each partition of a `digested` topic.

    held: the last offset of each partition that the ledger has; records up to there are left out.
    """
    last = dict(held)
    contents: list[Content] = []
    batches: dict[Place, list[Record]] = {}
    for record in records:
        if record.offset <= last.get(record.place, -1):
            continue
        last[record.place] = record.offset
        if record.topic in digested:
            batches.setdefault(record.place, []).append(record)
        else:
            contents.append(Event(at=at, record=record))
    return contents + [digest_of(batch, at) for batch in batches.values()]
