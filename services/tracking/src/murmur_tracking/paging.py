"""Pages of exactly so many items out of documents that hold several each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from murmur_kernel.documents import Page
from murmur_kernel.errors import BadCursor

D = TypeVar("D")
T = TypeVar("T")


async def unpacked_page(
    fetch: Callable[[str | None], Awaitable[Page[D]]],
    unpack: Callable[[D], Sequence[T]],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """`limit` items, read on from `cursor`.

    fetch: a page of documents from its own cursor on. Documents may be added at the end only, so that a place stays
    where it is. Raises BadCursor.
    """
    place, skip = _decode(cursor)
    items: list[T] = []
    while True:
        documents = await fetch(place)
        found = [item for document in documents.items for item in unpack(document)]
        taken = found[skip : skip + limit - len(items)]
        items += taken
        if skip + len(taken) < len(found):
            return Page(tuple(items), _encode(place, skip + len(taken)))
        if documents.next is None:
            return Page(tuple(items), None)
        place, skip = documents.next, 0
        if len(items) == limit:
            return Page(tuple(items), _encode(place, skip))


def _encode(place: str | None, skip: int) -> str:
    return f"{skip}~{place or ''}"


def _decode(cursor: str | None) -> tuple[str | None, int]:
    if cursor is None:
        return None, 0
    skip, mark, place = cursor.partition("~")
    if not mark or not skip.isdecimal():
        raise BadCursor(cursor)
    return place or None, int(skip)
