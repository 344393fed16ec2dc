"""Paths and `file:` addresses: folders of some machine, and what lies in one."""

import re
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, unquote_plus, urlsplit

_LOOPBACK = ("", ".", "localhost", "127.0.0.1")


def is_local(uri: str) -> bool:
    """Whether it is a path, or a `file:` address of no other machine. What is no address is neither."""
    try:
        parts = urlsplit(uri)
        return parts.scheme in ("", "file") and not is_remote_file(uri)
    except ValueError:
        return False


def is_remote_file(uri: str) -> bool:
    """Whether it is a `file:` address of another machine, which nobody can open. Raises ValueError."""
    parts = urlsplit(uri)
    return parts.scheme == "file" and (parts.hostname or "") not in _LOOPBACK


def contains(folder: str, uri: str) -> bool:
    """Whether one local address lies in another, or is the same; a path that is not absolute lies nowhere."""
    top, path = _path(folder), _path(uri)
    return top.is_absolute() and path.is_relative_to(top)


def _path(uri: str) -> PurePosixPath:
    parts = urlsplit(uri)
    return PurePosixPath(normpath(unquote(parts.path) if parts.scheme == "file" else uri))


def leads_out(uri: str) -> bool:
    """Whether an address that is no path leads elsewhere than it says, however often it was encoded."""
    plain = uri
    while (unquoted := unquote_plus(plain)) != plain:
        plain = unquoted
    path = re.sub(r"/+", "/", urlsplit(plain).path.rstrip("/"))
    return ".." in plain.split("/") or "\0" in plain or (path != "" and normpath(path) != path)
