"""Paths as clients write them: what is let through leads nowhere but down."""

import re
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlparse, urlunparse

from murmur_tracking.domain.refusals import BadValue, Refusal

LONGEST_SEGMENT = 255
"""Bytes, as on the file systems that we know."""

LONGEST = 900
"""Bytes: what S3 leaves of its 1,024 once the store's own prefix is in front."""

_DECODINGS = 10
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")
_MAGIC = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%*?[]\\"})
"""What file systems' clients might read as a pattern or a separator."""


def safe_path(written: str) -> str:
    """The path that is meant: decoded as often as it was encoded, without empty segments; "" is the top.

    The rules are those of MLflow's server, which refuses what might leave its folder with `Invalid path`.
    Raises Refusal.
    """
    path = _CONTROL.sub(lambda sign: f"%{ord(sign[0]):02x}", _decoded(written))
    if "\0" in path:
        raise _refused(written, "it contains NUL")
    if "#" in path:
        raise _refused(written, "it contains '#'")
    if path[:5].lower() == "file:":
        raise _refused(written, "it is a file URI; name it from the top of the run's artifacts")
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute():
        raise _refused(written, "it is absolute; name it from the top of the run's artifacts")
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if ".." in segments:
        raise _refused(written, "it leads upwards by '..'")
    if any(len(encoded(segment).encode()) > LONGEST_SEGMENT for segment in segments):
        raise _refused(written, f"a name in it is longer than {LONGEST_SEGMENT} bytes")
    safe = "/".join(segments)
    if len(encoded(safe).encode()) > LONGEST:
        raise _refused(written, f"it is longer than {LONGEST} bytes")
    return safe


def encoded(path: str) -> str:
    """As it is called on the file system."""
    return path.translate(_MAGIC)


def decoded_name(segment: str) -> str:
    return unquote(segment)


def _decoded(written: str) -> str:
    path = written
    for _ in range(_DECODINGS):
        try:
            once = urlunparse(urlparse(unquote(path, errors="strict")))
        except ValueError as error:  # UnicodeDecodeError is one
            raise _refused(written, str(error)) from None
        if once == path:
            return path
        path = once
    raise _refused(written, f"it is encoded more than {_DECODINGS} times")


def _refused(written: str, why: str) -> Refusal:
    shown = written if len(written) <= 300 else f"{written[:300]}…"
    return BadValue(f"Invalid path: {shown!r}: {why}")
