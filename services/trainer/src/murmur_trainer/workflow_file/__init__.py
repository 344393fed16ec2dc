"""Reads the files of a workflow as a compiler does: a definition and its code, or every mistake with its place.

It imports no kernel and no web framework. A command line cannot import it (it belongs to a service): it shows what the
trainer's answer carries, which is all that there is in a Mistake.
"""

from murmur_trainer.workflow_file.bundle import pack, unpack
from murmur_trainer.workflow_file.mistakes import Mistake, WorkflowFileInvalid
from murmur_trainer.workflow_file.reader import read_workflow

__all__ = ["Mistake", "WorkflowFileInvalid", "pack", "read_workflow", "unpack"]
