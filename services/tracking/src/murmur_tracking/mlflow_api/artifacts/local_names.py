"""Names on a disk: a folder is a folder, a name is a symbolic link to its bytes, whose own name is their digest.

So whoever looks at the disk sees what clients see, and a listing reads no file.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from murmur_kernel.artifact_files import INCOMING, folder_to_disk, make_folders
from murmur_tracking.mlflow_api.artifacts.claims import Claim, Entry, NameTaken
from murmur_tracking.mlflow_api.artifacts.paths import decoded_name, encoded

_TRIES = 100
"""For a name whose folder is deleted while it is put there, and the other way round."""

_DIGEST = 64


class LocalNames:
    """Below `folder` of the artifact store at `base`, which others know as `url`.

    The links are relative: the store may be moved, and a backup of it is whole.
    """

    def __init__(self, url: str, base: Path, folder: str) -> None:
        self._url = url
        self._base = base
        self._root = base / folder

    def put(self, path: str, claim: Claim) -> None:
        place = self._place(path)
        stored = self._base / claim.sha256[:2] / os.path.basename(claim.uri)
        temporary = self._base / INCOMING / f"{uuid.uuid4().hex}.part"
        make_folders(temporary.parent)
        try:
            temporary.symlink_to(os.path.relpath(stored, place.parent))
            moment = claim.at.timestamp()
            os.utime(temporary, (moment, moment), follow_symlinks=False)
            _into_place(temporary, place)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise NameTaken from None
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def get(self, path: str) -> Claim | None:
        place = self._place(path)
        try:
            return self._claim(os.readlink(place), place.lstat(), _size(place))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):  # the last is said of a folder
                return None
            raise

    def is_folder(self, path: str) -> bool:
        return self._place(path).is_dir()

    def entries(self, path: str) -> list[Entry]:
        try:
            folder = os.open(self._place(path), os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return []
        try:
            return sorted(self._listed(folder), key=lambda entry: entry.name)
        finally:
            os.close(folder)

    def delete(self, path: str) -> None:
        place = self._place(path)
        try:
            place.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except (IsADirectoryError, PermissionError):  # which of them is said of a folder depends on the system
            if not place.is_dir():
                raise
            _remove_folder(place)
        with suppress(FileNotFoundError):  # gone as well meanwhile
            folder_to_disk(place.parent)

    def _listed(self, folder: int) -> Iterator[Entry]:
        with os.scandir(folder) as found:
            for each in found:
                name = decoded_name(each.name)
                if each.is_dir(follow_symlinks=False):
                    yield Entry(name)
                elif each.is_symlink():
                    with suppress(FileNotFoundError):  # deleted since
                        leads_to = os.readlink(each.name, dir_fd=folder)
                        size = _size(each.name, within=folder)
                        yield Entry(name, self._claim(leads_to, each.stat(follow_symlinks=False), size))

    def _claim(self, leads_to: str, link: os.stat_result, size: int) -> Claim:
        stored = os.path.basename(leads_to)
        digest = stored[:_DIGEST]
        return Claim(f"{self._url}/{digest[:2]}/{stored}", digest, size, datetime.fromtimestamp(link.st_mtime, UTC))

    def _place(self, path: str) -> Path:
        return self._root / encoded(path)


def _size(name: str | Path, *, within: int | None = None) -> int:
    """Of the bytes; 0 where they are missing, as whoever reads them will be told."""
    try:
        return os.stat(name, dir_fd=within).st_size
    except FileNotFoundError:
        return 0


def _into_place(temporary: Path, place: Path) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            make_folders(place.parent)
            temporary.replace(place)
        except FileNotFoundError:
            if attempt == _TRIES:
                raise
        else:
            with suppress(FileNotFoundError):  # deleted since it was put there
                folder_to_disk(place.parent)
            return


def _remove_folder(folder: Path) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == _TRIES:
                raise
        else:
            return
