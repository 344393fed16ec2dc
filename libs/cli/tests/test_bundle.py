"""What is sent of a workflow's folder."""

from pathlib import Path

import pytest

from murmur_cli.bundle import FolderError, name_in, read_folder, renamed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workflow.yaml").write_text("# mine\nname: churn\n")
    (tmp_path / "train.py").write_text("def train(context): ...\n")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "more.py").write_text("x = 1\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_train.py").write_text("")
    (tmp_path / ".env").write_text("SECRET=1")
    return tmp_path


def test_files_beside_the_definition_are_sent_and_tests_and_hidden_files_are_not(folder: Path) -> None:
    assert sorted(read_folder(folder)) == ["helpers/more.py", "train.py", "workflow.yaml"]


def test_a_folder_without_a_definition_is_refused_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="murmur init"):
        read_folder(tmp_path)


def test_a_file_that_is_data_rather_than_code_is_refused_by_name(folder: Path) -> None:
    (folder / "rows.csv").write_text("1\n" * 600_000)
    with pytest.raises(FolderError, match=r"rows\.csv"):
        read_folder(folder)


def test_a_file_that_is_no_text_is_refused_by_name(folder: Path) -> None:
    (folder / "train.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FolderError, match=r"train\.py"):
        read_folder(folder)


def test_the_name_is_read_and_replaced_as_the_file_gives_it() -> None:
    assert name_in("# x\nname: 'churn'  # mine\n") == "churn"
    assert name_in("nothing: here\n") is None
    assert name_in(renamed("name: credit\ndata:\n  name: x\n", "credit-2")) == "credit-2"
