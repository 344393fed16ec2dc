"""Signing in: a person shows their token once, the console keeps it in its memory and acts with it, as nobody else."""

from murmur_console.signing.guard import SignedInOnly
from murmur_console.signing.sessions import Session, Sessions

__all__ = ["Session", "Sessions", "SignedInOnly"]
