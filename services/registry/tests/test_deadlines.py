"""What the registry waits for: a missed date is told to people, and told again when the fact comes after all."""

import pytest
from registry_facts import model_deployed, validation_completed
from registry_scenes import Registry, decide, given_candidates, given_staging

from murmur_events import Event
from murmur_events.deployments import DeploymentFailed
from murmur_events.troubles import TroubleReported
from murmur_registry.reviews import Reviews


def told(registry: Registry) -> list[tuple[str, str]]:
    events = registry.take_published()
    return [(event.state, event.trouble) for event in events if isinstance(event, TroubleReported)]


async def later(registry: Registry, seconds: float) -> None:
    registry.clock.advance(seconds)
    await registry.run_jobs()


async def test_a_verdict_that_is_late_is_a_trouble_until_it_comes(registry: Registry) -> None:
    await given_candidates(registry, 1)
    await later(registry, 899)
    assert told(registry) == []
    await later(registry, 2)
    assert told(registry) == [("began", "verdict-overdue/credit/1")]
    await registry.receives(validation_completed(1, baseline=None, verdict="first"))
    assert told(registry) == [("ended", "verdict-overdue/credit/1")]


async def test_a_verdict_in_time_is_none(registry: Registry) -> None:
    await given_staging_of_one(registry)
    await later(registry, 1000)
    assert told(registry) == []


async def given_staging_of_one(registry: Registry) -> None:
    await given_candidates(registry, 1)
    await given_staging(registry, 1, baseline=None)


@pytest.mark.parametrize("answer", ["a person decides", "another version takes its place"])
async def test_a_review_that_nobody_answers_is_a_trouble_until_it_is_over(
    registry: Registry, reviews: Reviews, answer: str
) -> None:
    await given_candidates(registry, 2)
    await given_staging(registry, 1, baseline=None)
    await registry.receives(validation_completed(2, baseline=None, verdict="failed")) if "person" in answer else None
    registry.take_published()
    await later(registry, 3 * 24 * 3600 + 1)
    assert ("began", "review-overdue/credit/1") in told(registry)
    if answer == "a person decides":
        await registry.change(reviews.decide, decide(1))
    else:
        await registry.receives(validation_completed(2, baseline=None, verdict="first"))
    assert ("ended", "review-overdue/credit/1") in told(registry)


ANSWERS: dict[str, Event] = {
    "deployed": model_deployed(1),
    "failed": DeploymentFailed(
        deployment="credit", model="credit", version=1, cause="did_not_start", message="no", still_serving=None
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_rollout_that_nobody_speaks_of_is_a_trouble_until_somebody_does(
    registry: Registry, reviews: Reviews, answer: str
) -> None:
    await given_staging_of_one(registry)
    await registry.change(reviews.decide, decide(1))
    await later(registry, 901)
    assert told(registry) == [("began", "rollout-overdue/credit/1")]
    await registry.receives(ANSWERS[answer])
    assert told(registry) == [("ended", "rollout-overdue/credit/1")]


async def test_a_rollout_that_is_answered_in_time_is_none(registry: Registry, reviews: Reviews) -> None:
    await given_staging_of_one(registry)
    await registry.change(reviews.decide, decide(1))
    await registry.receives(ANSWERS["deployed"])
    await later(registry, 1000)
    assert told(registry) == []
