"""The file of tokens: who holds which roles until when, with the digest of each token and never the token itself."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmur_access.errors import TokensUnreadable, UnknownToken
from murmur_access.private import make_private, write_private
from murmur_access.roles import Person, Role

PREFIX = "murmur_"
"""By it a token is known where it must not be: in a log, in a repository."""
_BYTES = 32
Stamp = tuple[int, int, int]


class TokenRecord(BaseModel):
    """One token of one person. `sha256` is of the whole token; `expires` null: until it is revoked."""

    model_config = ConfigDict(frozen=True)

    id: str
    subject: str = Field(min_length=1, max_length=200)
    roles: tuple[Role, ...] = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: datetime
    expires: datetime | None = None

    def lives(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires


class _Document(BaseModel):
    tokens: tuple[TokenRecord, ...] = ()


@dataclass(frozen=True)
class IssuedToken:
    """The only moment at which a token itself is there to be read."""

    token: str
    record: TokenRecord


def system_time() -> datetime:
    return datetime.now(UTC)


class TokenFile:
    """Read again whenever it has changed, so that a revoked token is refused at the next call, without a restart."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = system_time) -> None:
        self.path = path
        self._now = now
        self._stamp: Stamp | None = None
        self._records: tuple[TokenRecord, ...] = ()

    def person(self, token: str) -> Person | None:
        """Who shows this token; None when it is unknown, expired or revoked. Raises TokensUnreadable.

        A token has 256 random bits, so that its plain digest cannot be searched for. Every digest is compared, each in
        constant time: how long this takes tells nothing about which one was nearly right.
        """
        digest = sha256_of(token)
        found: TokenRecord | None = None
        for record in self._current():
            if hmac.compare_digest(record.sha256, digest):
                found = record
        if found is None or not found.lives(self._now()):
            return None
        return Person(found.subject, frozenset(found.roles))

    def records(self) -> tuple[TokenRecord, ...]:
        """All of them, the expired too. Raises TokensUnreadable."""
        return self._current()

    def issue(self, subject: str, roles: Iterable[Role], *, expires: datetime | None = None) -> IssuedToken:
        """Raises TokensUnreadable."""
        token = PREFIX + secrets.token_urlsafe(_BYTES)
        digest = sha256_of(token)
        record = TokenRecord(
            id=digest[:8],
            subject=subject,
            roles=tuple(dict.fromkeys(roles)),
            sha256=digest,
            created=self._now().replace(microsecond=0),
            expires=expires,
        )
        self._write((*self._current(), record))
        return IssuedToken(token, record)

    def revoke(self, name: str) -> tuple[TokenRecord, ...]:
        """Those with this id, or all of this subject; they are refused from now on.

        Raises UnknownToken, TokensUnreadable.
        """
        records = self._current()
        revoked = tuple(record for record in records if name in (record.id, record.subject))
        if not revoked:
            raise UnknownToken(name, self.path)
        self._write(tuple(record for record in records if record not in revoked))
        return revoked

    def _current(self) -> tuple[TokenRecord, ...]:
        try:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._records = _Document.model_validate_json(self.path.read_text()).tokens
                self._stamp = stamp
        except FileNotFoundError:
            self._records, self._stamp = (), None
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            self._records, self._stamp = (), None
            raise TokensUnreadable(self.path, _brief(error)) from error
        return self._records

    def _write(self, records: tuple[TokenRecord, ...]) -> None:
        with suppress(FileExistsError):
            if not self.path.parent.exists():
                make_private(self.path.parent)
        text = _Document(tokens=records).model_dump_json(indent=1) + "\n"
        write_private(self.path, text, mode=self._mode())

    def _mode(self) -> int:
        """Of the file as it is: containers read it as other users. It holds digests only."""
        return self.path.stat().st_mode & 0o777 if self.path.exists() else 0o600


def sha256_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", errors="surrogateescape")).hexdigest()


def _stamp(path: Path) -> Stamp:
    seen = os.stat(path)
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _brief(error: Exception) -> str:
    """What is wrong, without the file's content: it may be quoted in a log."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return str(error)
