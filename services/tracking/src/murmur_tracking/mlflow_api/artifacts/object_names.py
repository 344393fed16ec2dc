"""Names in an object store (`s3://…`): an object a name, that holds its claim; a folder is what stands before a slash.

Such a store knows no folders, so that a file and a folder of one name may both be there; all else is as on a disk.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from murmur_tracking.mlflow_api.artifacts.claims import Claim, Entry, NameTaken, load_claim
from murmur_tracking.mlflow_api.artifacts.paths import decoded_name, encoded

_AT_ONCE = 32
"""Claims that are fetched at once to list a folder."""


class ObjectNames:
    """files: any file system of fsspec that writes an object as a whole."""

    def __init__(self, files: Any, base: str) -> None:
        self._files = files
        self._base = base

    def put(self, path: str, claim: Claim) -> None:
        try:
            self._files.pipe_file(self._place(path), claim.dump())
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise NameTaken from None

    def get(self, path: str) -> Claim | None:
        try:
            return load_claim(self._files.cat_file(self._place(path)))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def is_folder(self, path: str) -> bool:
        return any(True for _ in self._below(path))

    def entries(self, path: str) -> list[Entry]:
        found = list(self._below(path))
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            claims = readers.map(self._claim, found)
        entries = [
            Entry(decoded_name(str(each["name"]).rstrip("/").rpartition("/")[2]), claim)
            for each, claim in zip(found, claims, strict=True)
            if claim is not None or each["type"] == "directory"
        ]
        return sorted(entries, key=lambda entry: entry.name)

    def delete(self, path: str) -> None:
        place = self._place(path)
        with suppress(FileNotFoundError):
            for below in self._files.find(place):
                with suppress(FileNotFoundError):
                    self._files.rm_file(below)

    def _below(self, path: str) -> Iterator[dict[str, Any]]:
        place = self._place(path)
        try:
            listed = self._files.ls(place, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from (each for each in listed if str(each["name"]).strip("/") != place.strip("/"))

    def _claim(self, found: dict[str, Any]) -> Claim | None:
        """None of a folder, and of what was deleted since."""
        if found["type"] == "directory":
            return None
        try:
            return load_claim(self._files.cat_file(found["name"]))
        except FileNotFoundError:
            return None

    def _place(self, path: str) -> str:
        return f"{self._base}/{encoded(path)}"
