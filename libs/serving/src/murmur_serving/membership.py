"""What the deployer and a process of a group have in common: a directory that says which replicas are to be there.

    wanted/<replica>    the deployer wants it here; the file says where its own directory is. The process takes it away
                        from a replica that cannot serve
    here/<replica>      the process has it: until its doors are closed, and its log is shipped or left behind

Imports nothing of MLServer, so that the deployer need not load it.
"""

import os
import shutil
from pathlib import Path


class Membership:
    """All calls may be repeated."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._wanted = directory / "wanted"
        self._here = directory / "here"

    def want(self, replica: str, its_directory: Path) -> None:
        self._wanted.mkdir(parents=True, exist_ok=True)
        draft = self._wanted / f".{replica}.{os.getpid()}"
        draft.write_text(str(its_directory))
        draft.replace(self._wanted / replica)

    def unwant(self, replica: str) -> None:
        (self._wanted / replica).unlink(missing_ok=True)

    def wanted(self) -> set[str]:
        return _names(self._wanted)

    def directory_of(self, replica: str) -> Path:
        """Raises OSError once it is not wanted any more."""
        return Path((self._wanted / replica).read_text())

    def arrive(self, replica: str) -> None:
        self._here.mkdir(parents=True, exist_ok=True)
        (self._here / replica).touch()

    def leave(self, replica: str) -> None:
        (self._here / replica).unlink(missing_ok=True)

    def here(self) -> set[str]:
        return _names(self._here)

    def members(self) -> set[str]:
        """Those that are to be there, and those that are there still."""
        return self.wanted() | self.here()

    def clear(self) -> None:
        """Nobody is there, and nobody is wanted: of a process that is gone."""
        shutil.rmtree(self.directory, ignore_errors=True)


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")}
    except FileNotFoundError:
        return set()
