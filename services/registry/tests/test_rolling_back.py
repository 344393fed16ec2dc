"""What is rolled back loses the alias, to the version that serves."""

from registry_facts import model_deployed, short, state, validation_completed
from registry_scenes import Registry, given_candidates, given_production, given_staging, status_of

from murmur_events.deployments import CanaryStarted, DeploymentRolledBack
from murmur_events.models import ModelPromoted
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.reviews import Reviews


def rolled_back(version: int = 2, *, serving: int = 1, alias_revision: int = 2) -> DeploymentRolledBack:
    return DeploymentRolledBack(
        deployment="credit",
        model="credit",
        version=version,
        serving=serving,
        alias_revision=alias_revision,
        by="deployer",
        cause="canary",
        reason="6 % of the requests fail",
    )


async def given_two(registry: Registry, reviews: Reviews, *, candidates: int = 2) -> None:
    """Version 2 has taken production from version 1."""
    await given_candidates(registry, candidates)
    await given_production(registry, reviews, 1)
    await given_production(registry, reviews, 2, baseline=1)


async def test_production_names_again_what_serves_and_says_why(registry: Registry, reviews: Reviews) -> None:
    await given_two(registry, reviews)
    await registry.receives(rolled_back())
    promoted, archived = registry.take_published()
    assert promoted == ModelPromoted(
        model="credit",
        version=1,
        alias="production",
        alias_revision=3,
        replaces=2,
        state=state(1),
        by="deployer",
        reason="v2 was rolled back (canary): 6 % of the requests fail",
    )
    assert short(archived) == "archived v2"
    assert await status_of(registry, 1) is VersionStatus.PRODUCTION
    assert await status_of(registry, 2) is VersionStatus.ARCHIVED


async def test_the_version_that_was_rolled_back_is_not_promoted_again_by_itself(
    registry: Registry, reviews: Reviews
) -> None:
    await given_two(registry, reviews)
    await registry.receives(rolled_back())
    registry.take_published()
    await registry.receives(validation_completed(2, baseline=1))
    assert registry.published == []


async def test_a_promotion_that_came_later_stands(registry: Registry, reviews: Reviews) -> None:
    await given_two(registry, reviews, candidates=3)
    await given_production(registry, reviews, 3, baseline=2)
    await registry.receives(rolled_back())
    assert registry.published == []
    assert await status_of(registry, 3) is VersionStatus.PRODUCTION


async def test_the_version_before_comes_back_also_where_the_newest_one_never_served(
    registry: Registry, reviews: Reviews
) -> None:
    """Version 3 was promoted and did not start: 2 served on, until a person went back to 1."""
    await given_two(registry, reviews, candidates=3)
    await given_production(registry, reviews, 3, baseline=2)
    await registry.receives(rolled_back(2, serving=1, alias_revision=3))
    promoted, archived = registry.take_published()
    assert (promoted.version, promoted.alias_revision, promoted.replaces) == (1, 4, 3)
    assert short(archived) == "archived v3"
    assert [await status_of(registry, version) for version in (1, 2, 3)] == [
        VersionStatus.PRODUCTION,
        VersionStatus.ARCHIVED,
        VersionStatus.ARCHIVED,
    ]


async def test_production_may_name_already_what_serves_and_says_so_again(registry: Registry, reviews: Reviews) -> None:
    """As where the newest promotion did not start, and a person went back to that version after all: the deployer
    answers, so that the monitor hears who serves."""
    await given_two(registry, reviews)
    await registry.receives(rolled_back(1, serving=2, alias_revision=2))
    [promoted] = registry.take_published()
    assert (promoted.version, promoted.alias_revision, promoted.replaces) == (2, 3, 2)
    assert await status_of(registry, 2) is VersionStatus.PRODUCTION


async def test_told_twice_it_moves_once(registry: Registry, reviews: Reviews) -> None:
    await given_two(registry, reviews)
    await registry.receives(rolled_back())
    registry.take_published()
    await registry.receives(rolled_back())
    assert registry.published == []


async def test_who_waits_in_staging_goes_on_waiting(registry: Registry, reviews: Reviews) -> None:
    await given_two(registry, reviews, candidates=3)
    await given_staging(registry, 3, baseline=2)
    await registry.receives(rolled_back())
    assert await status_of(registry, 3) is VersionStatus.STAGING


async def test_a_canary_is_no_rollout_that_nobody_speaks_of(registry: Registry, reviews: Reviews) -> None:
    await given_two(registry, reviews)
    await registry.receives(model_deployed(1))
    await registry.receives(
        CanaryStarted(
            deployment="credit",
            model="credit",
            version=2,
            against=1,
            replicas=("credit-v2-2",),
            steps=(0.1,),
            endpoint="/v2/models/credit",
            state=state(2),
        )
    )
    registry.clock.advance(1000)
    await registry.run_jobs()
    assert registry.published == []


async def test_what_serves_again_is_waited_for_as_any_rollout(registry: Registry, reviews: Reviews) -> None:
    await given_two(registry, reviews)
    await registry.receives(model_deployed(1))
    await registry.receives(rolled_back())
    await registry.receives(model_deployed(1))
    registry.take_published()
    registry.clock.advance(1000)
    await registry.run_jobs()
    assert registry.published == []
