"""One call takes an alias back; production of a workflow's model goes back the deployer's way."""

from datetime import timedelta

import pytest
from registry_facts import short
from registry_scenes import Registry, given_candidates, given_production, status_of

from murmur_events.deployments import DeploymentFailed, DeploymentRolledBack
from murmur_events.registry import AliasMoved, RollbackRequested
from murmur_events.troubles import TroubleReported
from murmur_registry.cataloguing import MakeModel, make_model
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Via
from murmur_registry.domain.refusals import NotAllowed, NotPossible
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.handlers import Handlers
from murmur_registry.pointing import PointAlias, Pointing
from murmur_registry.reviews import Reviews
from murmur_registry.rolling_back import RollBackAlias, RollingBack
from murmur_registry.versioning import DeleteVersion, MakeVersion, delete_version, make_version

ANN = Because("ann", "too many complaints", Via.REST, frozenset({"author", "approver"}))
BOB = Because("bob", "too many complaints", Via.REST, frozenset({"author"}))


@pytest.fixture
def rolling(handlers: Handlers) -> RollingBack:
    return RollingBack(handlers)


def back(key: str, alias: str, to: int | None = None, because: Because = ANN) -> RollBackAlias:
    return RollBackAlias(key=key, alias=alias, to=to, because=because)


async def given_champions(registry: Registry, pointing: Pointing, *versions: int) -> None:
    await registry.change(make_model, MakeModel(workspace="default", name="churn", because=BOB))
    for _ in range(max(versions)):
        await registry.change(make_version, MakeVersion(key="churn", source="s3://b/m", because=BOB))
    for version in versions:
        await registry.change(
            pointing.point_alias, PointAlias(key="churn", alias="champion", version=version, because=BOB)
        )
    registry.take_published()


async def test_an_alias_names_again_what_it_named_before(
    registry: Registry, pointing: Pointing, rolling: RollingBack
) -> None:
    await given_champions(registry, pointing, 1, 3, 2)
    done = await registry.change(rolling.roll_back, back("churn", "champion"))
    assert (done.leaves, done.to, done.requested) == (2, 3, False)
    [moved] = registry.take_published()
    assert isinstance(moved, AliasMoved)
    assert (moved.version, moved.replaces, moved.revision, moved.reason) == (3, 2, 4, "too many complaints")
    done = await registry.change(rolling.roll_back, back("churn", "champion", 1))
    assert (done.leaves, done.to) == (3, 1)


async def test_it_goes_back_only_to_what_it_named_and_what_is_there(
    registry: Registry, pointing: Pointing, rolling: RollingBack
) -> None:
    await given_champions(registry, pointing, 1, 2)
    await registry.change(make_version, MakeVersion(key="churn", source="s3://b/m", because=BOB))
    with pytest.raises(NotPossible, match="never named version 3"):
        await registry.change(rolling.roll_back, back("churn", "champion", 3))
    with pytest.raises(NotPossible, match="names no version"):
        await registry.change(rolling.roll_back, back("churn", "nobody"))
    await registry.change(delete_version, DeleteVersion(key="churn", version=1, because=BOB))
    with pytest.raises(Exception, match=r"Model Version \(name=churn, version=1\) not found"):
        await registry.change(rolling.roll_back, back("churn", "champion"))


async def test_what_named_one_version_only_has_nothing_to_go_back_to(
    registry: Registry, pointing: Pointing, rolling: RollingBack
) -> None:
    await given_champions(registry, pointing, 1)
    with pytest.raises(NotPossible, match="named no other version than 1 before"):
        await registry.change(rolling.roll_back, back("churn", "champion"))


async def given_two(registry: Registry, reviews: Reviews) -> None:
    await given_candidates(registry, 2)
    await given_production(registry, reviews, 1)
    await given_production(registry, reviews, 2, baseline=1)


async def test_production_of_a_workflows_model_goes_back_when_what_serves_has(
    registry: Registry, reviews: Reviews, rolling: RollingBack
) -> None:
    await given_two(registry, reviews)
    done = await registry.change(rolling.roll_back, back("credit", "production"))
    assert (done.leaves, done.to, done.requested) == (2, 1, True)
    assert registry.take_published() == [
        RollbackRequested(model="credit", version=2, to=1, by="ann", reason="too many complaints")
    ]
    assert await status_of(registry, 2) is VersionStatus.PRODUCTION
    await registry.receives(answer_of_the_deployer())
    assert [short(event) for event in registry.take_published()] == ["production v1", "archived v2"]
    assert await status_of(registry, 1) is VersionStatus.PRODUCTION
    registry.clock.advance(timedelta(hours=1).total_seconds())
    await registry.run_jobs()
    overdue = [event for event in registry.published if isinstance(event, TroubleReported)]
    assert [event.trouble for event in overdue] == ["rollout-overdue/credit/1"]


def answer_of_the_deployer() -> DeploymentRolledBack:
    return DeploymentRolledBack(
        deployment="credit",
        model="credit",
        version=2,
        serving=1,
        alias_revision=2,
        by="ann",
        cause="person",
        reason="too many complaints",
    )


async def test_only_an_approver_takes_production_back_and_staging_is_nobodys(
    registry: Registry, reviews: Reviews, rolling: RollingBack
) -> None:
    await given_two(registry, reviews)
    with pytest.raises(NotAllowed, match="rolling production of 'credit' back needs the role 'approver'"):
        await registry.change(rolling.roll_back, back("credit", "production", because=BOB))
    with pytest.raises(NotPossible):
        await registry.change(rolling.roll_back, back("credit", "staging"))
    assert registry.published == []


@pytest.mark.parametrize("answer", ["rolled back", "refused", None])
async def test_a_rollback_that_nobody_answers_is_told_to_people(
    registry: Registry, reviews: Reviews, rolling: RollingBack, answer: str | None
) -> None:
    await given_two(registry, reviews)
    await registry.change(rolling.roll_back, back("credit", "production"))
    registry.take_published()
    registry.clock.advance(timedelta(hours=1).total_seconds())
    await registry.run_jobs()
    mine = "rollback-overdue/credit"
    assert mine in [event.trouble for event in registry.take_published() if isinstance(event, TroubleReported)]
    if answer == "rolled back":
        await registry.receives(answer_of_the_deployer())
    elif answer == "refused":
        await registry.receives(
            DeploymentFailed(
                deployment="credit", model="credit", version=2, cause="superseded", message="no", still_serving=2
            )
        )
    ended = [event.trouble for event in registry.published if isinstance(event, TroubleReported)]
    assert (mine in ended) is (answer is not None)
