"""Begins a workflow of one's own: a folder that runs as it is, to be changed step by step."""

import re
import shutil
from pathlib import Path

from murmur_workflows.schema import schema_text

TEMPLATE = Path(__file__).parent / "template"
SCHEMA = ".workflow.schema.json"
"""Hidden, so that it stays at home when the folder is applied."""

_PLACEHOLDER = "tumour"
_FILES = ("workflow.yaml", "data.py", "train.py", "test_workflow.py", "README.md")


def write_scaffold(name: str, directory: Path) -> Path:
    """Writes the folder of a new workflow and returns it.

    Raises `ValueError` for a name that no workflow may have, and `FileExistsError` for a directory that is not empty,
    which is left as it is.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", name):
        raise ValueError(f"{name!r} is no workflow name: begin with a small letter, then letters, digits and dashes")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise FileExistsError(f"{str(directory)!r} exists and is not empty: choose another folder, or empty it first")
    directory.mkdir(parents=True, exist_ok=True)
    for file in _FILES:
        shutil.copyfile(TEMPLATE / file, directory / file)
    for file in ("workflow.yaml", "README.md"):
        path = directory / file
        text = path.read_text(encoding="utf-8").replace("../../workflow.schema.json", SCHEMA)
        path.write_text(re.sub(rf"\b{_PLACEHOLDER}\b", name, text), encoding="utf-8")
    (directory / SCHEMA).write_text(schema_text(), encoding="utf-8")
    return directory
