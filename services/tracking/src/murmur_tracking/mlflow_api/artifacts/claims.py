"""What a name stands for, and the port behind which names are kept."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from murmur_events.values import Artifact


@dataclass(frozen=True, slots=True)
class Claim:
    """The bytes that a name stands for, and since when: flat, since ten thousand of these are read to list a folder."""

    uri: str
    sha256: str
    size: int
    at: datetime

    @property
    def artifact(self) -> Artifact:
        return Artifact(uri=self.uri, sha256=self.sha256, size=self.size)

    def dump(self) -> bytes:
        return json.dumps(
            {"uri": self.uri, "sha256": self.sha256, "size": self.size, "at": self.at.isoformat()}
        ).encode()


def claim_of(artifact: Artifact, at: datetime) -> Claim:
    return Claim(artifact.uri, artifact.sha256, artifact.size, at)


def load_claim(body: bytes) -> Claim:
    fields = json.loads(body)
    return Claim(fields["uri"], fields["sha256"], fields["size"], datetime.fromisoformat(fields["at"]))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing; a folder has no claim."""

    name: str
    claim: Claim | None = None

    @property
    def is_folder(self) -> bool:
        return self.claim is None


class Names(Protocol):
    """Paths and what they stand for. A path is safe (see paths) and begins with the workspace; all calls may block.

    Every write is whole, and on the disk, when the call returns. Errors of the file system come as OSError or as its
    client raises them.
    """

    def put(self, path: str, claim: Claim) -> None:
        """Raises NameTaken where a folder is called so, or a file where the path needs a folder."""

    def get(self, path: str) -> Claim | None: ...

    def is_folder(self, path: str) -> bool: ...

    def entries(self, path: str) -> list[Entry]:
        """By name; none where there is no such folder."""

    def delete(self, path: str) -> None:
        """With all below it; nothing happens where nothing is called so."""


class NameTaken(Exception):
    """A file and a folder cannot have the same name."""
