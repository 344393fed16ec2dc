"""Who the command line is at the front door: by MURMUR_TOKEN, else by the token that this flock's home keeps for it."""

import getpass
import os

from murmur_access import IssuedToken, Role, TokenFile
from murmur_access.private import make_private, read_private, write_private
from murmur_runtime.settings import FlockSettings

VARIABLE = "MURMUR_TOKEN"


def token_of(settings: FlockSettings) -> str | None:
    """None where there is none: the flock may not ask for one. Raises TooOpen."""
    if given := os.environ.get(VARIABLE):
        return given
    kept = settings.vault.own_token
    return read_private(kept) if kept.exists() else None


def keep(settings: FlockSettings, token: str) -> None:
    """From now on the command line shows this token to this flock."""
    make_private(settings.vault.root)
    write_private(settings.vault.own_token, token + "\n")


def first_token(settings: FlockSettings) -> IssuedToken | None:
    """A flock that asks for tokens and has none gets one with every role, kept for whoever raises it.

    None when there is nothing to do. Raises TokensUnreadable.
    """
    tokens = TokenFile(settings.tokens_file)
    if settings.auth_mode == "off" or tokens.records():
        return None
    issued = tokens.issue(getpass.getuser(), Role)
    keep(settings, issued.token)
    return issued
