"""The file systems that artifacts lie on: how they are opened, how they refuse, and what it takes to be on the disk."""

import errno
import os
from pathlib import Path
from typing import Any, BinaryIO

import fsspec

from murmur_kernel.errors import NoSpace, Transient

try:  # what the S3 client raises for a network that fails is no OSError; there is none without the extra [s3]
    from botocore.exceptions import BotoCoreError
except ModuleNotFoundError:
    UNWILLING: tuple[type[Exception], ...] = (OSError,)
else:
    UNWILLING = (OSError, BotoCoreError)

PIECE = 2**20
"""Bytes that are in memory at once of what passes through."""

BLOCK = 8 * 2**20
"""Bytes that a client of an object store sends or fetches at once. S3 takes 10,000 of them an object: 80 GB."""

INCOMING = "incoming"
"""The folder, beside the artifacts, of what is not whole yet."""


def file_system(url: str) -> tuple[Any, str]:
    """Without a cache of listings: other processes write to the same place."""
    files, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return files, path


def is_local(files: Any) -> bool:
    return "file" in files.protocol


def refused(error: Exception, what: str) -> Transient:
    """What to raise for an error of the file system. `what` could not be done, as in `cannot store an artifact`."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return (NoSpace if full else Transient)(f"{what}: {error}")


def to_disk(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def folder_to_disk(folder: str | Path) -> None:
    """What was renamed into a folder is there after a loss of power once the folder itself is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """With all above it, on the disk. Raises FileExistsError or NotADirectoryError where a file is in the way."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    folder_to_disk(folder.parent)
