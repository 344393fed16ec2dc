"""What people write training code with, and what carries it out: contexts, snapshots, the worker, evaluation.

People import `DataContext`, `TrainingContext` and `file_from_wheel`; the trainer imports `run_worker`; the validator
imports `murmur_training.evaluation`. The heavy modules are loaded where they are used, not here.

Errors
------
TrainingError
├── DataRejected      the data breaks rules of workflow.yaml; carries every complaint
├── CodeRaised        code of the workflow raised, or lacks what it must define; points at its line
├── OutputInvalid     what train() returned cannot be served
└── DataUnreachable   a file of published data could not be fetched, or is not the file that was expected
`evaluation.NotMeasurable` (a ValueError) says that labels and probabilities define no metric.
"""

from murmur_training.context import DataContext, Rows, TrainingContext
from murmur_training.downloads import file_from_wheel
from murmur_training.errors import CodeRaised, DataRejected, DataUnreachable, OutputInvalid, TrainingError
from murmur_training.locking import alone

__all__ = [
    "CodeRaised",
    "DataContext",
    "DataRejected",
    "DataUnreachable",
    "OutputInvalid",
    "Rows",
    "TrainingContext",
    "TrainingError",
    "alone",
    "file_from_wheel",
]
