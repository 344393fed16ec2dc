"""Trains a workflow's folder on one's own machine, without services: what a test of one's own workflow calls."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml

from murmur_events.workflows import WorkflowDefinition
from murmur_training.messages import Message
from murmur_training.process import run_worker
from murmur_training.spec import WorkerResult, WorkerSpec

Parameters = Mapping[str, bool | int | float | str]


def definition_of(folder: Path) -> WorkflowDefinition:
    """The folder's workflow.yaml. Raises pydantic.ValidationError for a file that the trainer would refuse."""
    text = (folder / "workflow.yaml").read_text(encoding="utf-8")
    return WorkflowDefinition.model_validate(yaml.safe_load(text), extra="forbid")


def rehearse(
    folder: Path,
    work: Path,
    *,
    as_of: datetime | None = None,
    parameters: Parameters | None = None,
    data_dir: Path | None = None,
) -> WorkerResult:
    """What the trainer would do with this folder, limits included; the worker's files stay in `work`.

    `as_of` is now where absent; `parameters` override those of the file, as a request for a training may; `data_dir`
    keeps downloads, in `work` where absent.
    """
    definition = definition_of(folder)
    training = definition.training
    spec = WorkerSpec(
        code=folder,
        work=work,
        data_dir=data_dir or work / "data",
        as_of=as_of or datetime.now(UTC),
        data=definition.data,
        entry=training.entry,
        parameters={**training.parameters, **(parameters or {})},
        seed=training.seed,
        costs=definition.validation.costs,
    )
    return asyncio.run(run_worker(spec, training.limits, _unheard))


async def _unheard(messages: tuple[Message, ...]) -> None:
    """All that was said is in the log."""
