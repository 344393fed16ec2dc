"""Names on a disk: a folder is a folder, a name is a file that holds its claim."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from murmur_kernel.artifact_files import INCOMING, folder_to_disk, make_folders, to_disk
from murmur_tracking.mlflow_api.artifacts.claims import Claim, Entry, NameTaken, load_claim
from murmur_tracking.mlflow_api.artifacts.paths import decoded_name, encoded

_LARGEST_CLAIM = 65536
_TRIES = 10
"""For a name whose folder is deleted while it is put there, and the other way round."""


class LocalNames:
    """root: the folder of all names; what is half written lies beside it, in the store's own folder for that."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root.parent / INCOMING

    def put(self, path: str, claim: Claim) -> None:
        place = self._place(path)
        make_folders(self._incoming)
        temporary = self._incoming / f"{uuid.uuid4().hex}.part"
        try:
            with temporary.open("wb") as stream:
                stream.write(claim.dump())
                to_disk(stream)
            _into_place(temporary, place)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise NameTaken from None
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def get(self, path: str) -> Claim | None:
        try:
            return load_claim(self._place(path).read_bytes())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def is_folder(self, path: str) -> bool:
        return self._place(path).is_dir()

    def entries(self, path: str) -> list[Entry]:
        try:
            folder = os.open(self._place(path), os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return []
        try:
            return sorted(_listed(folder), key=lambda entry: entry.name)
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

    def _place(self, path: str) -> Path:
        return self._root / encoded(path)


def _into_place(temporary: Path, place: Path) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            make_folders(place.parent)
            temporary.replace(place)
            folder_to_disk(place.parent)
        except FileNotFoundError:
            if attempt == _TRIES:
                raise
        else:
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


def _listed(folder: int) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for each in found:
            name = decoded_name(each.name)
            if each.is_dir(follow_symlinks=False):
                yield Entry(name)
            else:
                with suppress(FileNotFoundError):  # deleted since
                    yield Entry(name, load_claim(_read(each.name, folder)))


def _read(name: str, folder: int) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        return os.read(descriptor, _LARGEST_CLAIM)
    finally:
        os.close(descriptor)
