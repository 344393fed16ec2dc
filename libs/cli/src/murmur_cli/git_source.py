"""Where in a git repository a workflow's folder is, so that its runs can name their commit."""

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from murmur_cli.door import Json

_TIMEOUT = 30
_LARGEST = 2**20
"""Bytes of a diff that is sent along: the code itself always is."""


class _NoAnswer(Exception):
    """git is not there, the folder is in no repository, or git says no."""


def source_of(folder: Path, files: Iterable[str]) -> Json | None:
    """Commit, whether these files are as they are there, and the diff if not; None outside a repository with a commit.

    files: relative to the folder. Nothing is said of any other file, and nothing of the repository is changed.
    """
    names = [*files]
    try:
        commit = _git(folder, "rev-parse", "--verify", "HEAD^{commit}").strip()
        diff = _diff(folder, names)
    except _NoAnswer:
        return None
    source: Json = {"commit": commit, "dirty": bool(diff)}
    return source | {"diff": diff} if diff and len(diff.encode()) <= _LARGEST else source


def _diff(folder: Path, names: list[str]) -> str:
    """New files too: they are announced in an index of our own, beside the repository's."""
    with tempfile.TemporaryDirectory() as temporary:
        own = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
        _git(folder, "read-tree", "HEAD", **own)
        _git(folder, "add", "--intent-to-add", "--force", "--", *names, **own)
        options = ("--no-color", "--no-ext-diff", "--no-textconv", "--binary", "--relative")
        return _git(folder, "diff", *options, "HEAD", "--", *names, **own)


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    told = {**os.environ, **environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        ended = subprocess.run(command, capture_output=True, env=told, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _NoAnswer(str(error)) from error
    if ended.returncode != 0:
        raise _NoAnswer(ended.stderr.decode(errors="replace"))
    return ended.stdout.decode(errors="replace")
