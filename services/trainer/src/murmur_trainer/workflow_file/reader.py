"""Puts the checks of a workflow's files together."""

from collections.abc import Mapping

from murmur_events.workflows import WorkflowDefinition
from murmur_trainer.workflow_file.code_check import check_entries, check_files
from murmur_trainer.workflow_file.mistakes import WorkflowFileInvalid, in_order
from murmur_trainer.workflow_file.rules import check_rules
from murmur_trainer.workflow_file.settings_check import check_settings
from murmur_trainer.workflow_file.tree import is_mapping
from murmur_trainer.workflow_file.yaml_reader import read_tree

MOST = 100
"""A file with more mistakes than this is of another kind: the rest would not help."""


def read_workflow(name: str, definition: str, files: Mapping[str, str]) -> WorkflowDefinition:
    """The checked definition of workflow `name`; `files` are the texts beside it by their relative path.

    Nothing is executed. Raises WorkflowFileInvalid with all mistakes, at most 100. Of a definition
    that is not YAML, only the first can be told.
    """
    tree = read_tree(definition)
    code = check_files(files)
    mistakes = [*code.mistakes]
    checked = None
    if is_mapping(tree.data):
        checked = check_settings(tree)
        check_rules(tree, name=name)
        mistakes += check_entries(tree, code)
    mistakes += tree.mistakes
    if checked is None or mistakes:
        raise WorkflowFileInvalid(name, in_order(mistakes)[:MOST])
    return checked
