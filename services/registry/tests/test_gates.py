"""What a workflow's model serves is decided by validation and review, whichever door is used."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from registry_doors import Doors, Refused
from registry_facts import run_completed, short, validation_completed, workflow_applied
from registry_scenes import Registry, given_candidates, given_production, given_staging, status_of

from murmur_events.models import ModelPromoted, ReviewDecided
from murmur_kernel.testing import eventually
from murmur_registry.domain.because import Because
from murmur_registry.domain.freezes import Freeze
from murmur_registry.domain.gates import may_serve
from murmur_registry.domain.models import Alias, RegisteredModel, Via
from murmur_registry.domain.refusals import NotAllowed, NotPossible
from murmur_registry.domain.reviews import Review, ReviewStatus
from murmur_registry.domain.stages import Stage
from murmur_registry.domain.versions import ModelVersion, Outcome, Verdict, VersionStatus
from murmur_registry.pointing import UNSAID, MoveStage, PointAlias, Pointing
from murmur_registry.repository import MODELS
from murmur_registry.reviews import Reviews
from murmur_registry.versioning import MakeVersion, make_version

ANN = Because("ann", "the old one was better", Via.REST, frozenset({"approver"}))
AUTHOR = Because("bob", "the old one was better", Via.REST, frozenset({"author"}))
CLIENT = Because("an MLflow client", UNSAID, Via.MLFLOW)


def to_production(version: int, because: Because = ANN) -> PointAlias:
    return PointAlias(key="credit", alias="production", version=version, because=because)


def to_stage(version: int, stage: Stage, because: Because = ANN) -> MoveStage:
    return MoveStage(key="credit", version=version, stage=stage, archive=False, because=because)


async def baseline(registry: Registry) -> int | None:
    model = await registry.get(MODELS, "credit")
    assert model is not None
    return model.baseline


async def given_two_that_served(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await given_production(registry, reviews, 1)
    await given_production(registry, reviews, 2, baseline=1)


@pytest.mark.parametrize("by_stage", [False, True], ids=["alias", "stage"])
async def test_what_was_validated_and_approved_may_serve_again(
    registry: Registry, reviews: Reviews, pointing: Pointing, by_stage: bool
) -> None:
    """By the alias or by the stage: the same events as after a review."""
    await given_two_that_served(registry, reviews)
    if by_stage:
        await registry.change(pointing.move_stage, to_stage(1, Stage.PRODUCTION))
    else:
        await registry.change(pointing.point_alias, to_production(1))
    promoted, archived = registry.published
    assert isinstance(promoted, ModelPromoted)
    assert (promoted.version, promoted.alias_revision, promoted.replaces) == (1, 3, 2)
    assert (promoted.by, promoted.reason) == ("ann", "the old one was better")
    assert short(archived) == "archived v2"
    assert await status_of(registry, 1) is VersionStatus.PRODUCTION


async def test_only_an_approver_moves_production(registry: Registry, reviews: Reviews, pointing: Pointing) -> None:
    await given_two_that_served(registry, reviews)
    for command in (to_production(1, AUTHOR), to_production(2, AUTHOR)):
        with pytest.raises(NotAllowed, match="production of 'credit', the model of a workflow, needs the role"):
            await registry.change(pointing.point_alias, command)
    with pytest.raises(NotAllowed, match="'approver'"):
        await registry.change(pointing.move_stage, to_stage(1, Stage.PRODUCTION, AUTHOR))
    assert registry.published == []


async def test_production_names_no_version_whose_verdict_is_awaited_or_bad(
    registry: Registry, pointing: Pointing
) -> None:
    await given_candidates(registry, 2)
    with pytest.raises(NotPossible, match="names only versions whose validation passed: the verdict about version 1"):
        await registry.change(pointing.point_alias, to_production(1))
    await registry.receives(validation_completed(1, baseline=None, verdict="failed"))
    registry.take_published()
    for move in (pointing.point_alias,):
        with pytest.raises(NotPossible, match="version 1 is rejected"):
            await registry.change(move, to_production(1))
    with pytest.raises(NotPossible, match="validation passed"):
        await registry.change(pointing.move_stage, to_stage(1, Stage.PRODUCTION))
    assert registry.published == []


async def test_production_names_no_version_that_waits_for_a_review_or_was_passed_over(
    registry: Registry, pointing: Pointing
) -> None:
    """A client of MLflow gives no reason, so that it cannot decide a review."""
    await given_candidates(registry, 2)
    await given_staging(registry, 1, baseline=None)
    with pytest.raises(NotPossible, match=r"waits for review\.decided"):
        await registry.change(pointing.point_alias, to_production(1, CLIENT))
    await given_staging(registry, 2, baseline=None)
    with pytest.raises(NotPossible, match="asks for a person's review, and version 1 was not approved: murmur approve"):
        await registry.change(pointing.point_alias, to_production(1, CLIENT))
    assert await baseline(registry) is None


async def test_an_approver_who_says_why_has_decided_the_open_review(registry: Registry, pointing: Pointing) -> None:
    await given_candidates(registry, 1)
    await given_staging(registry, 1, baseline=None)
    because = Because("ann", "seen the report", Via.MLFLOW, frozenset({"approver"}))
    await registry.change(pointing.move_stage, to_stage(1, Stage.PRODUCTION, because))
    decided, promoted = registry.published
    assert isinstance(decided, ReviewDecided)
    assert (decided.decision, decided.by, decided.reason) == ("approved", "ann", "seen the report")
    assert short(promoted) == "production v1"


async def test_a_workflow_that_asks_for_no_review_needs_none(registry: Registry, pointing: Pointing) -> None:
    await given_candidates(registry, 2, review="none")
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    await registry.receives(validation_completed(2, baseline=1))
    registry.take_published()
    await registry.change(pointing.point_alias, to_production(1))
    assert [short(event) for event in registry.published] == ["production v1", "archived v2"]


async def test_production_is_never_empty_and_staging_moves_by_verdicts_only(
    registry: Registry, reviews: Reviews, pointing: Pointing
) -> None:
    await given_two_that_served(registry, reviews)
    empty = PointAlias(key="credit", alias="production", version=None, because=ANN)
    with pytest.raises(NotPossible, match="always names a version"):
        await registry.change(pointing.point_alias, empty)
    staging = PointAlias(key="credit", alias="staging", version=1, because=ANN)
    with pytest.raises(NotPossible, match="names what waits for a review"):
        await registry.change(pointing.point_alias, staging)
    with pytest.raises(NotPossible, match="names what waits for a review"):
        await registry.change(pointing.move_stage, to_stage(1, Stage.STAGING))
    for stage in (Stage.NONE, Stage.ARCHIVED):
        with pytest.raises(NotPossible, match="follows from its validation"):
            await registry.change(pointing.move_stage, to_stage(2, stage))
    assert registry.published == []


async def test_other_aliases_of_a_workflows_model_are_free(
    registry: Registry, reviews: Reviews, pointing: Pointing
) -> None:
    await given_two_that_served(registry, reviews)
    champion = PointAlias(key="credit", alias="champion", version=1, because=AUTHOR)
    await registry.change(pointing.point_alias, champion)
    await registry.change(pointing.point_alias, champion)
    assert [short(event) for event in registry.published] == ["AliasMoved"]
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert model.named == {"production": 2, "champion": 1}


async def test_what_a_client_put_into_a_workflows_model_is_never_served(registry: Registry, pointing: Pointing) -> None:
    await given_candidates(registry, 1)
    await registry.change(make_version, MakeVersion(key="credit", source="s3://b/m", because=CLIENT))
    registry.take_published()
    with pytest.raises(NotPossible, match="version 2 was made by a client and nobody validates it"):
        await registry.change(pointing.point_alias, to_production(2))
    with pytest.raises(NotPossible, match="made by a client"):
        await registry.change(pointing.move_stage, to_stage(2, Stage.PRODUCTION))
    version, _ = await registry.change(pointing.move_stage, to_stage(2, Stage.ARCHIVED, AUTHOR))
    assert version.stage == "Archived"
    model = await registry.get(MODELS, "credit")
    assert model is not None
    assert model.named_by(Alias.PRODUCTION) is None


async def test_a_run_after_a_clients_version_takes_the_next_number(registry: Registry) -> None:
    await given_candidates(registry, 1)
    await registry.change(make_version, MakeVersion(key="credit", source="s3://b/m", because=CLIENT))
    registry.take_published()
    await registry.receives(run_completed("run-3"))
    assert [short(event) for event in registry.published] == ["registered v3"]


async def waiting_in_staging(door: Doors) -> None:
    await door.say(workflow_applied())
    await door.say(run_completed())

    async def there() -> bool:
        return (await door.http.get("/v1/models/credit", headers=reading(door))).status_code == 200

    async def staged() -> bool:
        reviews = await door.http.get("/v1/reviews?status=open", headers=reading(door))
        return bool(reviews.json()["items"])

    await eventually(there)
    await door.say(validation_completed(1, baseline=None, verdict="first"))
    await eventually(staged)


def reading(door: Doors) -> dict[str, str]:
    token = next(iter(door.tokens.values()), None)
    return {"Authorization": f"Bearer {token}"} if token else {}


async def test_a_workflows_model_is_seen_at_mlflows_door(door: Doors) -> None:
    await waiting_in_staging(door)
    version = await door.version("credit", 1)
    assert (version["current_stage"], version["aliases"], version["run_id"]) == ("Staging", ["staging"], "run-1")
    found = await door.mlflow("GET", "model-versions/search", {"filter": "run_id = 'run-1'"})
    assert [one["version"] for one in found["model_versions"]] == ["1"]
    for method, path, body, told in (
        ("POST", "registered-models/rename", {"name": "credit", "new_name": "x"}, "it cannot be renamed"),
        ("DELETE", "registered-models/delete", {"name": "credit"}, "it is not deleted"),
        ("DELETE", "model-versions/delete", {"name": "credit", "version": "1"}, "is staging in its workflow"),
        (
            "POST",
            "model-versions/transition-stage",
            {"name": "credit", "version": "1", "stage": "Production"},
            "the rule of production",
        ),
    ):
        with pytest.raises(Refused, match=told) as refused:
            await door.mlflow(method, path, body)
        assert (refused.value.status, refused.value.code) == (409, "INVALID_STATE")


async def test_at_mlflows_door_too_only_an_approver_lets_it_serve(guarded_door: Doors) -> None:
    door = guarded_door
    await waiting_in_staging(door)
    body = {"name": "credit", "version": "1", "stage": "Production"}
    for role in ("viewer", "author", "operator"):
        with pytest.raises(Refused) as refused:
            await door.mlflow("POST", "model-versions/transition-stage", body, role=role, reason="I want it")
        assert (refused.value.status, refused.value.code) == (403, "PERMISSION_DENIED"), role
    with pytest.raises(Refused, match=r"waits for review\.decided"):
        await door.mlflow("POST", "model-versions/transition-stage", body, role="approver")
    answer = await door.mlflow("POST", "model-versions/transition-stage", body, role="approver", reason="seen it")
    assert answer["model_version"]["current_stage"] == "Production"
    moves = await door.http.get("/v1/models/credit/moves", headers=reading(door))
    last = moves.json()["items"][1]
    assert (last["alias"], last["by"], last["reason"], last["via"]) == ("production", "approver", "seen it", "mlflow")


async def test_a_call_without_a_token_is_told_so_in_mlflows_shape(guarded_door: Doors) -> None:
    with pytest.raises(Refused, match="no token was sent") as refused:
        await guarded_door.model("churn")
    assert (refused.value.status, refused.value.code) == (401, "UNAUTHENTICATED")
    with pytest.raises(Refused, match="'author'") as forbidden:
        await guarded_door.make("churn", role="viewer")
    assert (forbidden.value.status, forbidden.value.code) == (403, "PERMISSION_DENIED")


NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREDIT = RegisteredModel(name="credit", workflow="credit", versions=2, created_at=NOW, updated_at=NOW)
GOOD = Verdict(outcome=Outcome.BETTER, baseline=1, summary="better", failed_checks=())
ARCHIVED = ModelVersion(
    model="credit",
    version=2,
    workflow="credit",
    revision=1,
    created_at=NOW,
    status=VersionStatus.ARCHIVED,
    verdict=GOOD,
)
APPROVED = Review(
    model="credit", version=2, baseline=1, summary="better", requested_at=NOW, status=ReviewStatus.APPROVED
)
FROZEN = Freeze(scope="promotion/*", active=True, revision=1, by="olga", reason="an audit")


@pytest.mark.parametrize(
    ("version", "review", "freeze", "told"),
    [
        (ARCHIVED, APPROVED, None, None),
        (replace(ARCHIVED, verdict=replace(GOOD, outcome=Outcome.NOT_BETTER)), APPROVED, None, "validation passed"),
        (replace(ARCHIVED, verdict=replace(GOOD, outcome=Outcome.FAILED)), APPROVED, None, "validation passed"),
        (replace(ARCHIVED, verdict=None), APPROVED, None, "is still awaited"),
        (replace(ARCHIVED, status=VersionStatus.REJECTED), APPROVED, None, "is rejected"),
        (ARCHIVED.held(since=NOW), APPROVED, None, r"waits for automation\.unfrozen"),
        (ARCHIVED, None, None, "asks for a person's review"),
        (ARCHIVED, replace(APPROVED, status=ReviewStatus.REFUSED), None, "was not approved"),
        (ARCHIVED, APPROVED, FROZEN, r"promotion is frozen by olga \(an audit\)"),
        (replace(ARCHIVED, workflow=None), APPROVED, None, "made by a client"),
    ],
)
def test_each_rule_of_production_is_named_when_it_is_what_refuses(
    version: ModelVersion, review: Review | None, freeze: Freeze | None, told: str | None
) -> None:
    with nullcontext() if told is None else pytest.raises(NotPossible, match=told):
        may_serve(CREDIT, version, ANN, review=review, review_required=True, freeze=freeze)
