"""A workflow that is applied becomes a numbered revision with its code, unless it changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
from trainer_facts import CODE, QUARTERLY, definition, requested, workflow

from murmur_events.runs import RunStarted
from murmur_events.workflows import WorkflowApplied
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import Refused
from murmur_kernel.testing import Harness
from murmur_trainer import views
from murmur_trainer.handlers import ApplyWorkflow, WorkflowHandlers
from murmur_trainer.repository import REVISIONS, TrainerUnitOfWork
from murmur_trainer.sources import CodeSource
from murmur_trainer.workflow_file import WorkflowFileInvalid, unpack

Trainer = Harness[TrainerUnitOfWork]


async def test_a_new_workflow_is_revision_one_with_its_code_in_the_store(
    trainer: Trainer, workflows: WorkflowHandlers, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    answer = await trainer.change(workflows.apply_workflow, workflow(description="scores", schedule=QUARTERLY))
    (event,) = trainer.published
    assert isinstance(event, WorkflowApplied)
    assert (event.workflow, event.revision, event.definition.description) == ("credit", 1, "scores")
    unpack(await artifacts.read_bytes(event.code), tmp_path / "out")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == CODE
    assert (answer.revision, answer.unchanged, answer.code) == (1, False, event.code)
    assert answer.correlation_id == trainer.envelopes[0].correlation_id
    assert trainer.envelopes[0].causation_id is None
    assert f"{answer.next_tick:%F %R}" == "2026-04-01 00:00"


@pytest.mark.parametrize("text", [definition(), "# a comment\n" + definition()])
async def test_the_same_content_again_changes_nothing(trainer: Trainer, workflows: WorkflowHandlers, text: str) -> None:
    await trainer.change(workflows.apply_workflow, workflow())
    trainer.take_published()
    answer = await trainer.change(workflows.apply_workflow, replace(workflow(), definition=text))
    assert (answer.revision, answer.unchanged, answer.correlation_id) == (1, True, None)
    assert trainer.published == []


@pytest.mark.parametrize(
    "other",
    [workflow(promotion="{review: none}"), workflow(files={**CODE, "notes.txt": "new"})],
    ids=["other settings", "other code"],
)
async def test_other_content_is_the_next_revision_and_the_earlier_ones_stay(
    trainer: Trainer, workflows: WorkflowHandlers, other: object
) -> None:
    await trainer.change(workflows.apply_workflow, workflow())
    answer = await trainer.change(workflows.apply_workflow, other)
    assert answer.revision == 2
    assert [event.revision for event in trainer.published if isinstance(event, WorkflowApplied)] == [1, 2]
    assert await trainer.get(REVISIONS, "credit@1") is not None


async def test_a_long_duration_comes_back_as_it_was_written(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    command = workflow(monitoring="{cooldown: 30d}")
    await trainer.change(workflows.apply_workflow, command)
    assert (await trainer.change(workflows.apply_workflow, command)).unchanged


async def test_a_file_with_mistakes_changes_nothing(
    trainer: Trainer, workflows: WorkflowHandlers, tmp_path: Path
) -> None:
    with pytest.raises(WorkflowFileInvalid, match="1 mistake: nothing was changed"):
        await trainer.change(workflows.apply_workflow, workflow(promotion="{review: perhaps}"))
    assert trainer.published == []
    assert not (tmp_path / "artifacts").exists()
    assert (await trainer.read(views.list_workflows, views.ListWorkflows())).items == ()


def grouped(name: str, limits: str, *, group: str = "cards") -> ApplyWorkflow:
    command = workflow(deployment=f"{{group: {group}, limits: {limits}}}")
    return replace(command, name=name, definition=command.definition.replace("name: credit", f"name: {name}"))


async def test_workflows_of_one_group_have_the_same_limits(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await trainer.change(workflows.apply_workflow, grouped("credit", "{memory: 1GiB}"))
    for limits in ("{memory: 2GiB}", "{}", "{memory: 1GiB, nice: 3}"):
        with pytest.raises(Refused, match=r"'credit' has memory 1073741824, nice 0, and 'fraud' asks for memory"):
            await trainer.change(workflows.apply_workflow, grouped("fraud", limits))
    assert len(trainer.take_published()) == 1
    await trainer.change(workflows.apply_workflow, grouped("fraud", "{memory: 1GiB}"))
    await trainer.change(workflows.apply_workflow, grouped("other", "{memory: 2GiB}", group="others"))
    with pytest.raises(Refused, match="such as 'cards-2'"):
        await trainer.change(workflows.apply_workflow, grouped("credit", "{memory: 2GiB}"))
    await trainer.change(workflows.apply_workflow, grouped("credit", "{memory: 2GiB}", group="cards-2"))
    await trainer.change(workflows.apply_workflow, grouped("fraud", "{memory: 2GiB}", group="cards-2"))


async def test_the_only_workflow_of_a_group_may_change_its_limits(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await trainer.change(workflows.apply_workflow, grouped("credit", "{memory: 1GiB}"))
    await trainer.change(workflows.apply_workflow, grouped("credit", "{memory: 2GiB}"))


async def test_the_runs_of_a_revision_name_its_commit_and_keep_what_was_not_committed(
    trainer: Trainer, workflows: WorkflowHandlers, artifacts: ArtifactStore
) -> None:
    source = CodeSource(commit="a" * 40, dirty=True, diff="+ one line\n")
    await trainer.change(workflows.apply_workflow, replace(workflow(), source=source))
    await trainer.receives(requested())
    await trainer.run_jobs()
    started = next(event for event in trainer.published if isinstance(event, RunStarted))
    found = started.provenance.source
    assert found is not None
    assert (found.commit, found.dirty) == ("a" * 40, True)
    assert found.diff is not None
    assert await artifacts.read_bytes(found.diff) == b"+ one line\n"


async def test_the_same_content_from_another_commit_is_the_same_revision(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await trainer.change(workflows.apply_workflow, workflow())
    source = CodeSource(commit="b" * 40, dirty=False)
    assert (await trainer.change(workflows.apply_workflow, replace(workflow(), source=source))).unchanged
