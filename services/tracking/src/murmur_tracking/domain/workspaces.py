"""Workspaces keep teams apart: in each one names are unique and searches end, and each has an experiment "0"."""

import hashlib
import re

DEFAULT = "default"

_DEFAULT_NAME = "Default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
RESERVED = "workflows/"
"""Names that begin so are of the experiments in which the trainer's runs are found."""


def default_experiment(workspace: str) -> str:
    """The id of the experiment that clients name "0". Ids are unique over all workspaces."""
    return "0" if workspace == DEFAULT else f"{workspace}:0"


def reference(shown: str, workspace: str) -> str:
    """The id that a client of the workspace means."""
    return default_experiment(workspace) if shown == "0" else shown


def shown(experiment: str) -> str:
    """An experiment's id as clients of its workspace see it."""
    return experiment.rpartition(":")[2]


def default_name() -> str:
    return _DEFAULT_NAME


def workflow_experiment(workflow: str) -> tuple[str, str]:
    """Id and name of the experiment in which the trainer's runs of a workflow are found."""
    number = int.from_bytes(hashlib.sha256(workflow.encode()).digest()[:7], "big")
    return str(10**17 + number), f"{RESERVED}{workflow}"


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None
