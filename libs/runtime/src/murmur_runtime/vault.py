"""The secrets of an embedded flock: random, one file each, readable by their owner only."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from murmur_access.private import make_private, write_private
from murmur_access.rules import OPERATOR, users

_BYTES = 32


@dataclass(frozen=True)
class Vault:
    """`root` is the folder `secrets` of a flock's home."""

    root: Path

    @property
    def kafka(self) -> Path:
        """One file a Kafka user, named like the user."""
        return self.root / "kafka"

    @property
    def tokens(self) -> Path:
        """The digests of people's tokens."""
        return self.root / "tokens.json"

    @property
    def own_token(self) -> Path:
        """The token that the command line shows where MURMUR_TOKEN is not set."""
        return self.root / "token"

    @property
    def applied(self) -> Path:
        """Digest of the users and rules that the broker was told last."""
        return self.root / "kafka-applied"

    @property
    def has_users(self) -> bool:
        """Whether this flock's broker asks who its clients are. Once it does, it does so for good."""
        return self.password_file(OPERATOR).exists()

    def password_file(self, user: str) -> Path:
        return self.kafka / user

    def make_passwords(self) -> None:
        """For users that have none yet; those that have one keep it. Repeatable. The operator's comes last.

        Without a newline: Kafka reads a file as it is.
        """
        make_private(self.root)
        make_private(self.kafka)
        for user in reversed(users()):
            if not self.password_file(user).exists():
                write_private(self.password_file(user), secrets.token_urlsafe(_BYTES))
