"""How one entry of the chain lies in a file: a fixed header and its content. README.md states it byte for byte."""

import struct
from hashlib import sha256
from typing import NamedTuple

WHOLE = b"MLE1"
STUB = b"MLS1"
"""An entry whose content was left out of an export: its SHA-256 stands in its place, so that the chain holds."""

HEADER = struct.Struct(">4sIQI32s32s")
"""Magic, length of the content, position, index in its batch, previous hash, hash."""

CHAINED = struct.Struct(">QI32s")
"""The part of the header that is hashed, as it lies there: position, index, previous hash."""

CHAINED_AT = 8
LARGEST = 64 * 2**20
"""No content is longer: a length beyond this is damage, not a length."""


class Frame(NamedTuple):
    """One entry as it lies in a file; `content` of a stub is the SHA-256 of what was left out."""

    position: int
    in_batch: int
    previous: bytes
    hash: bytes
    content: bytes
    stub: bool = False

    @property
    def size(self) -> int:
        return HEADER.size + len(self.content)

    @property
    def content_hash(self) -> bytes:
        return self.content if self.stub else sha256(self.content).digest()

    @property
    def intact(self) -> bool:
        return self.hash == entry_hash(self.position, self.in_batch, self.previous, self.content_hash)

    def packed(self) -> bytes:
        magic = STUB if self.stub else WHOLE
        header = HEADER.pack(magic, len(self.content), self.position, self.in_batch, self.previous, self.hash)
        return header + self.content

    def without_content(self) -> "Frame":
        return self._replace(content=self.content_hash, stub=True)


def entry_hash(position: int, in_batch: int, previous: bytes, content_hash: bytes) -> bytes:
    """SHA-256 over position, index, previous hash and the SHA-256 of the content."""
    return sha256(CHAINED.pack(position, in_batch, previous) + content_hash).digest()


def chained(position: int, in_batch: int, previous: bytes, content: bytes) -> Frame:
    """The entry that follows the one whose hash is `previous`."""
    hashed = entry_hash(position, in_batch, previous, sha256(content).digest())
    return Frame(position, in_batch, previous, hashed, content)


def frame_at(data: bytes, offset: int) -> Frame | None:
    """What lies there, whether intact or not; None where no frame of a possible length begins and ends."""
    if offset + HEADER.size > len(data):
        return None
    magic, length, position, in_batch, previous, hashed = HEADER.unpack_from(data, offset)
    end = offset + HEADER.size + length
    if magic not in (WHOLE, STUB) or length > LARGEST or end > len(data):
        return None
    if magic == STUB and length != 32:
        return None
    return Frame(position, in_batch, previous, hashed, bytes(data[offset + HEADER.size : end]), magic == STUB)


def next_intact(data: bytes, offset: int) -> int | None:
    """Where the next intact frame begins, at `offset` or behind it; for finding one's way past damage."""
    while True:
        places = [place for magic in (WHOLE, STUB) if (place := data.find(magic, offset)) >= 0]
        if not places:
            return None
        offset = min(places)
        frame = frame_at(data, offset)
        if frame is not None and frame.intact:
            return offset
        offset += 1
