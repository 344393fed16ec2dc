"""What a file is said to be, by its name: never what a browser would run on this server's own pages."""

import mimetypes
import re
from pathlib import PurePosixPath
from urllib.parse import quote

_TEXT = frozenset(
    (
        *("txt", "log", "err", "cfg", "conf", "cnf", "cf", "ini", "properties", "prop", "hocon", "toml", "yaml", "yml"),
        *("xml", "json", "js", "py", "py3", "csv", "tsv", "md", "rst", "ipynb", "MLmodel", "mlproject"),
    )
)
"""Shown as plain text, a script or a page is harmless."""

_PLAIN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~%-]+")


def media_type(name: str) -> str:
    """As MLflow's server says it."""
    if (PurePosixPath(name).suffix.removeprefix(".") or name) in _TEXT:
        return "text/plain"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def attachment(name: str) -> str:
    """RFC 6266: a header is ASCII, so that other names come twice, the second time in full."""
    if _PLAIN.fullmatch(name):
        return f"attachment; filename={name}"
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\' else "_" for sign in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
