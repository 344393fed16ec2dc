"""What is said of the repository that a workflow's folder is in."""

import subprocess
from pathlib import Path

import pytest

from murmur_cli.git_source import source_of

FILES = ("workflow.yaml", "train.py")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workflow in a folder of a repository, committed."""
    git(tmp_path, "init", "--quiet")
    folder = tmp_path / "churn"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return folder


def test_a_clean_folder_has_a_commit_and_no_diff(folder: Path) -> None:
    commit = git(folder, "rev-parse", "HEAD").strip()
    assert source_of(folder, FILES) == {"commit": commit, "dirty": False}


def test_changes_are_a_diff_that_makes_the_files_of_the_commit_what_they_are(folder: Path, tmp_path: Path) -> None:
    (folder / "train.py").write_text("two\n")
    (folder / "helper.py").write_text("new\n")
    before = git(folder, "status", "--porcelain")
    source = source_of(folder, (*FILES, "helper.py"))
    assert source is not None
    assert source["dirty"]
    assert git(folder, "status", "--porcelain") == before
    git(folder, "clone", "--quiet", str(folder.parent), str(tmp_path / "clone"))
    there = tmp_path / "clone" / "churn"
    (tmp_path / "changes.diff").write_text(source["diff"])
    git(there, "apply", "--directory=churn", str(tmp_path / "changes.diff"))
    assert [(there / name).read_text() for name in ("train.py", "helper.py")] == ["two\n", "new\n"]


def test_files_that_are_not_sent_are_not_told_of(folder: Path) -> None:
    (folder / "private.cfg").write_text("one\n")
    git(folder, "add", "private.cfg")
    git(folder, "commit", "--quiet", "--message", "second")
    (folder / "private.cfg").write_text("two\n")
    (folder / ".env").write_text("PASSWORD=hunter2\n")
    (folder / "notes.txt").write_text("private\n")
    source = source_of(folder, FILES)
    assert source is not None
    assert not source["dirty"]


def test_a_large_diff_stays_at_home(folder: Path) -> None:
    (folder / "train.py").write_text("x" * 2**21)
    source = source_of(folder, FILES)
    assert source is not None
    assert (source["dirty"], "diff" in source) == (True, False)


def test_a_folder_in_no_repository_and_one_without_a_commit_have_no_source(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("one\n")
    assert source_of(tmp_path, ("train.py",)) is None
    git(tmp_path, "init", "--quiet")
    assert source_of(tmp_path, ("train.py",)) is None
