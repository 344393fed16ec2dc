"""A name in -> a folder that is a workflow."""

from pathlib import Path

import pytest
import yaml

from murmur_training.rehearsal import definition_of
from murmur_workflows.scaffold import TEMPLATE, write_scaffold
from murmur_workflows.schema import SCHEMA, schema_text


def test_the_folder_is_a_workflow_of_that_name(tmp_path: Path) -> None:
    folder = write_scaffold("churn", tmp_path / "churn")

    assert folder == tmp_path / "churn"
    assert definition_of(folder).name == "churn"
    assert (folder / "train.py").read_text() == (TEMPLATE / "train.py").read_text()
    assert {path.name for path in folder.iterdir()} == {
        "workflow.yaml",
        "data.py",
        "train.py",
        "test_workflow.py",
        "README.md",
        ".workflow.schema.json",
    }


def test_editors_find_the_schema_beside_the_file(tmp_path: Path) -> None:
    folder = write_scaffold("churn", tmp_path / "churn")
    first = (folder / "workflow.yaml").read_text().splitlines()[0]

    assert first == "# yaml-language-server: $schema=.workflow.schema.json"
    assert (folder / ".workflow.schema.json").read_text() == schema_text()


def test_the_readmes_commands_name_the_new_workflow(tmp_path: Path) -> None:
    readme = (write_scaffold("churn-2", tmp_path / "churn-2") / "README.md").read_text()
    assert "murmur trigger churn-2" in readme
    assert "tumour" not in readme


@pytest.mark.parametrize("name", ["", "Churn", "2churn", "churn rate", "../churn", "c" * 64])
def test_a_name_that_no_workflow_may_have_is_refused_and_nothing_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no workflow name"):
        write_scaffold(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty"):
        write_scaffold("churn", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_every_default_that_the_template_shows_is_a_setting() -> None:
    written = yaml.safe_load((TEMPLATE / "workflow.yaml").read_text())
    assert definition_of(TEMPLATE).model_dump(exclude_unset=True).keys() == written.keys()


def test_the_recipe_of_the_template_is_about_twenty_lines() -> None:
    assert len((TEMPLATE / "train.py").read_text().splitlines()) <= 24


def test_the_kept_schema_is_that_of_the_contract() -> None:
    assert SCHEMA.read_text() == schema_text(), "run: python -m murmur_workflows.schema"
