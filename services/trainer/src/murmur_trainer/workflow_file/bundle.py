"""The code of one revision as one file: a zip whose bytes depend on nothing but the files' names and contents."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o100644 << 16


def pack(files: Mapping[str, str]) -> bytes:
    """Same files, same bytes: sorted, undated and uncompressed, since compressors differ between versions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            bundle.writestr(entry, files[name].encode())
    return buffer.getvalue()


def unpack(bundle: bytes, to: Path) -> None:
    """The files of a bundle under the folder `to`; zipfile keeps every name inside it."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        archive.extractall(to)
