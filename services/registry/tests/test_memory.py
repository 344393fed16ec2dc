"""The registry remembers: every change with who, when, why and what caused it, and how it was at any time."""

from datetime import datetime

import pytest
from registry_facts import run_completed, validation_completed, workflow_applied
from registry_scenes import Registry, decide

from murmur_events import Event
from murmur_events.registry import AliasMoved, ModelChanged, VersionChanged
from murmur_kernel.documents import Query
from murmur_registry.cataloguing import (
    DeleteModel,
    DescribeModel,
    MakeModel,
    RenameModel,
    TagModel,
    delete_model,
    describe_model,
    make_model,
    rename_model,
    tag_model,
)
from murmur_registry.domain.because import Because
from murmur_registry.domain.memory import Change, ModelThen
from murmur_registry.domain.models import Via
from murmur_registry.domain.refusals import NotThere
from murmur_registry.domain.stages import Stage, stage_then
from murmur_registry.pointing import UNSAID, MoveStage, PointAlias, Pointing
from murmur_registry.recalling import Recall, recall
from murmur_registry.repository import CHANGES
from murmur_registry.reviews import Reviews
from murmur_registry.versioning import (
    DeleteVersion,
    MakeVersion,
    TagVersion,
    delete_version,
    make_version,
    tag_version,
)

VERA = Because("vera", "it is better", Via.REST)
CLIENT = Because("an MLflow client", UNSAID, Via.MLFLOW)


async def changes(registry: Registry, model: str = "churn") -> list[Change]:
    page = await registry.store.find(CHANGES.name, Query(where={"model": model}, limit=500))
    return [CHANGES.load(document.body) for document in page.items]


async def later(registry: Registry) -> datetime:
    """The time until now; the next things happen a minute after it."""
    now = registry.clock.now()
    registry.clock.advance(60)
    return now


async def then(registry: Registry, at: datetime, key: str = "churn") -> ModelThen:
    return await registry.read(recall, Recall(key=key, at=at))


async def given_churn(registry: Registry, *, workspace: str = "default") -> str:
    await registry.change(make_model, MakeModel(workspace=workspace, name="churn", because=CLIENT))
    key = "churn" if workspace == "default" else f"{workspace}/churn"
    await registry.change(make_version, MakeVersion(key=key, source="s3://b/1", run_id="r1", because=CLIENT))
    return key


async def test_what_is_done_by_hand_is_said_with_the_whole_state(registry: Registry, pointing: Pointing) -> None:
    key = await given_churn(registry, workspace="growth")
    await registry.change(tag_version, TagVersion(key=key, version=1, tag="data", value="july", because=VERA))
    await registry.change(pointing.point_alias, PointAlias(key=key, alias="champion", version=1, because=VERA))
    about = {"model": "growth/churn", "workspace": "growth", "name": "churn"}
    client = {"by": "an MLflow client", "reason": "through the MLflow API", "via": "mlflow"}
    vera = {"by": "vera", "reason": "it is better", "via": "rest"}
    wanted: list[Event] = [
        ModelChanged.model_validate({**about, **client}),
        VersionChanged.model_validate(
            {**about, **client, "version": 1, "stage": "None", "source": "s3://b/1", "run_id": "r1"}
        ),
        VersionChanged.model_validate(
            {
                **about,
                **vera,
                "version": 1,
                "stage": "None",
                "source": "s3://b/1",
                "run_id": "r1",
                "tags": {"data": "july"},
            }
        ),
        AliasMoved.model_validate({**about, **vera, "alias": "champion", "version": 1, "revision": 1}),
    ]
    assert registry.published == wanted


async def test_each_change_says_who_why_at_which_door_and_in_which_chain(
    registry: Registry, pointing: Pointing
) -> None:
    await given_churn(registry)
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=1, because=VERA))
    made, version, alias = await changes(registry)
    assert (made.what, made.by, made.reason, made.via) == (
        "made",
        "an MLflow client",
        "through the MLflow API",
        "mlflow",
    )
    assert (version.version, version.facts) == (1, {"source": "s3://b/1", "run_id": "r1"})
    assert (alias.name, alias.before, alias.after, alias.by) == ("champion", None, "1", "vera")
    assert alias.cause is not None
    assert (alias.cause.correlation_id, alias.cause.event_id) == (registry.envelopes[-1].correlation_id, None)


async def test_what_a_workflow_went_through_names_the_event_that_caused_it(
    registry: Registry, reviews: Reviews
) -> None:
    await registry.receives(workflow_applied())
    await registry.receives(run_completed(), event_id="the-run")
    await registry.receives(validation_completed(1, baseline=None, verdict="first"), event_id="the-verdict")
    await registry.change(reviews.decide, decide(1))
    found = [
        (one.what, one.after, one.by, one.cause.event_id) for one in await changes(registry, "credit") if one.cause
    ]
    decided = next(one.id for one in registry.envelopes if one.topic == "review.decided")
    assert sorted(found[:2]) == [("made", None, "registry", "the-run")] * 2
    assert ("status", "staging", "registry", "the-verdict") in found
    assert ("alias", "1", "ann", decided) in found
    assert ("status", "production", "ann", decided) in found


async def test_what_was_so_at_a_time_is_told_as_it_was(registry: Registry, pointing: Pointing) -> None:
    await given_churn(registry)
    await registry.change(tag_version, TagVersion(key="churn", version=1, tag="data", value="july", because=VERA))
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=1, because=VERA))
    first = await later(registry)
    await registry.change(make_version, MakeVersion(key="churn", source="s3://b/2", because=CLIENT))
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=2, because=VERA))
    stage = MoveStage(key="churn", version=1, stage=Stage.ARCHIVED, archive=False, because=VERA)
    await registry.change(pointing.move_stage, stage)
    await registry.change(tag_version, TagVersion(key="churn", version=1, tag="data", value=None, because=VERA))
    await registry.change(tag_model, TagModel(key="churn", tag="team", value="growth", because=VERA))
    await registry.change(describe_model, DescribeModel(key="churn", description="who leaves", because=VERA))
    second = await later(registry)
    await registry.change(delete_version, DeleteVersion(key="churn", version=2, because=VERA))
    third = await later(registry)

    was = await then(registry, first)
    assert (was.description, was.tags, was.aliases) == ("", {}, {"champion": 1})
    assert list(was.versions) == [1]
    assert (was.versions[1].tags, was.versions[1].stage) == ({"data": "july"}, "None")
    assert was.versions[1].facts["run_id"] == "r1"

    was = await then(registry, second)
    assert (was.description, was.tags, was.aliases) == ("who leaves", {"team": "growth"}, {"champion": 2})
    assert (was.versions[1].tags, was.versions[1].stage) == ({}, "Archived")

    was = await then(registry, third)
    assert (list(was.versions), was.aliases) == ([1], {})


async def test_production_of_then_is_told_of_a_workflows_model(registry: Registry, reviews: Reviews) -> None:
    await registry.receives(workflow_applied())
    for number in (1, 2):
        await registry.receives(run_completed(f"run-{number}"))
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    await registry.change(reviews.decide, decide(1))
    first = await later(registry)
    await registry.receives(validation_completed(2, baseline=1))
    waiting = await later(registry)
    await registry.change(reviews.decide, decide(2))
    second = await later(registry)
    told = []
    for at in (first, waiting, second):
        was = await then(registry, at, "credit")
        told.append((was.aliases, [stage_then(was.versions[number]).value for number in (1, 2)]))
    assert told == [
        ({"production": 1}, ["Production", "None"]),
        ({"production": 1, "staging": 2}, ["Production", "Staging"]),
        ({"production": 2}, ["Archived", "Production"]),
    ]


async def test_a_name_that_was_deleted_and_taken_again_is_two_models(registry: Registry, pointing: Pointing) -> None:
    await given_churn(registry)
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=1, because=VERA))
    first = await later(registry)
    await registry.change(delete_model, DeleteModel(key="churn", because=VERA))
    gone = await later(registry)
    await registry.change(make_model, MakeModel(workspace="default", name="churn", because=VERA))
    await registry.change(make_version, MakeVersion(key="churn", source="s3://b/other", because=VERA))
    second = await later(registry)
    was = await then(registry, first)
    assert (was.aliases, was.versions[1].facts["source"]) == ({"champion": 1}, "s3://b/1")
    with pytest.raises(NotThere, match="nothing is remembered of a registered model 'churn'"):
        await then(registry, gone)
    is_now = await then(registry, second)
    assert (is_now.aliases, is_now.versions[1].facts["source"]) == ({}, "s3://b/other")
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=1, because=VERA))
    last = [event for event in registry.published if isinstance(event, AliasMoved)][-1]
    assert last.revision == 3


async def test_a_renamed_model_remembers_what_it_was_before(registry: Registry, pointing: Pointing) -> None:
    await given_churn(registry)
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=1, because=VERA))
    before = await later(registry)
    await registry.change(rename_model, RenameModel(key="churn", new_name="leavers", because=VERA))
    after = await later(registry)
    await registry.change(make_model, MakeModel(workspace="default", name="churn", because=VERA))
    again = await later(registry)
    for key in ("churn", "leavers"):
        was = await then(registry, before, key)
        assert (was.name, was.aliases) == ("churn", {"champion": 1})
    was = await then(registry, after, "leavers")
    assert (was.name, was.aliases, list(was.versions)) == ("leavers", {"champion": 1}, [1])
    with pytest.raises(NotThere):
        await then(registry, after, "churn")
    assert (await then(registry, again, "churn")).versions == {}
    renames = [event for event in registry.published if isinstance(event, ModelChanged)][1:3]
    assert [(one.name, one.deleted, one.renamed_from, one.renamed_to) for one in renames] == [
        ("churn", True, None, "leavers"),
        ("leavers", False, "churn", None),
    ]


async def test_there_and_back_in_one_moment_comes_to_an_end(registry: Registry) -> None:
    await given_churn(registry)
    await registry.change(rename_model, RenameModel(key="churn", new_name="leavers", because=VERA))
    await registry.change(rename_model, RenameModel(key="leavers", new_name="churn", because=VERA))
    was = await then(registry, registry.clock.now())
    assert (was.name, list(was.versions)) == ("churn", [1])


async def test_saying_what_is_so_already_changes_and_says_nothing(registry: Registry, pointing: Pointing) -> None:
    await given_churn(registry)
    await registry.change(tag_model, TagModel(key="churn", tag="team", value="growth", because=VERA))
    registry.take_published()
    await registry.change(tag_model, TagModel(key="churn", tag="team", value="growth", because=VERA))
    await registry.change(tag_model, TagModel(key="churn", tag="other", value=None, because=VERA))
    await registry.change(pointing.point_alias, PointAlias(key="churn", alias="champion", version=None, because=VERA))
    assert registry.published == []
    assert len(await changes(registry)) == 3
