"""Paths as clients write them: what is let through leads nowhere but down."""

import re
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlparse, urlunparse

from murmur_mlflow.refusals import BadValue

LONGEST_SEGMENT = 255
"""Bytes, as on the file systems that we know."""

LONGEST = 900
"""Bytes: what S3 leaves of its 1,024 once the store's own prefix is in front."""

_INVALID = "Invalid path"
"""All that MLflow's server says of a path that might lead out, and its tests compare the whole of it."""

_DECODINGS = 10
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")
_MAGIC = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%*?[]\\"})
"""What file systems' clients might read as a pattern or a separator."""


def safe_path(written: str) -> str:
    """The path that is meant: decoded as often as it was encoded, without empty segments; "" is the top.

    The rules are those of MLflow's server, which refuses what might leave its folder with `Invalid path`.
    Raises BadValue.
    """
    path = _CONTROL.sub(lambda sign: f"%{ord(sign[0]):02x}", _decoded(written))
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if "#" in path or ".." in segments or path[:5].lower() == "file:" or _is_absolute(path):
        raise BadValue(_INVALID)
    safe = "/".join(segments)
    if "\0" in path:
        raise BadValue(f"{_INVALID}: {written[:300]!r} contains NUL: leave it out")
    if any(len(encoded(segment).encode()) > LONGEST_SEGMENT for segment in segments):
        raise BadValue(f"{_INVALID}: a name in {written[:300]!r} is longer than {LONGEST_SEGMENT} bytes: shorten it")
    if len(encoded(safe).encode()) > LONGEST:
        raise BadValue(f"{_INVALID}: {written[:300]!r}… is longer than {LONGEST} bytes: shorten it")
    return safe


def _is_absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


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
            raise BadValue(f"{_INVALID}: {written[:300]!r} cannot be decoded: {error}") from None
        if once == path:
            return path
        path = once
    raise BadValue(f"{_INVALID}: {written[:300]!r} is encoded more than {_DECODINGS} times: encode it once")
