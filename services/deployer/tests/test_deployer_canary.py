"""A new version gets a growing share of the requests, is compared with what serves, and goes on or goes back."""

import pytest
from crowd import SECTION, canary, ended

from murmur_deployer.rollbacks import GoBack, go_back
from murmur_deployer.testing import promoted
from murmur_events.deployments import (
    CanaryJudged,
    CanaryStarted,
    DeploymentFailed,
    DeploymentRolledBack,
    ModelDeployed,
)
from murmur_events.troubles import TroubleReported
from murmur_kernel.errors import Transient
from murmur_kernel.testing import eventually


async def test_a_canary_that_is_no_worse_takes_the_place_of_what_serves(deployer) -> None:
    crowd = await canary(deployer, replicas=2)
    started, first, second, deployed = await ended(deployer)
    assert isinstance(started, CanaryStarted)
    assert (started.version, started.against, started.steps, len(started.replicas)) == (2, 1, (0.1, 0.5), 2)
    assert started.state.version == 2
    assert [type(event) for event in (first, second, deployed)] == [CanaryJudged, CanaryJudged, ModelDeployed]
    assert [(event.verdict, event.step, event.steps, event.weight) for event in (first, second)] == [
        ("advance", 1, 2, 0.1),
        ("finish", 2, 2, 0.5),
    ]
    assert {test.aspect: test.decision for test in second.tests} == {
        "errors": "not_worse",
        "latency": "not_worse",
        "outputs": "not_worse",
        "quality": "not_tested",
    }
    assert (deployed.version, deployed.replaces) == (2, 1)
    assert crowd.weights == [0.1] * 5 + [0.5] * 5
    assert deployer.router.answering == set(started.replicas)
    deployment = await deployer.deployment()
    assert (deployment.state, deployment.canary, deployment.previous) == ("serving", None, 1)


WORSE = {
    "errors": lambda crowd: crowd.errors.update({2: 0.2}),
    "latency": lambda crowd: crowd.slow.update({2: 0.4}),
    "outputs": lambda crowd: crowd.low.update({2: 0.05}),
}


@pytest.mark.parametrize("aspect", WORSE)
async def test_a_worse_canary_is_rolled_back(deployer, aspect) -> None:
    crowd = await canary(deployer, canary=SECTION["canary"] | {"step_time": "30s"})
    WORSE[aspect](crowd)
    _, *advanced, judged, back = await ended(deployer)
    assert (judged.verdict, [test.aspect for test in judged.tests if test.decision == "worse"]) == (
        "roll_back",
        [aspect],
    )
    assert all(event.verdict == "advance" for event in advanced)
    assert back == DeploymentRolledBack(
        deployment="credit",
        model="credit",
        version=2,
        serving=1,
        alias_revision=2,
        by="deployer",
        cause="canary",
        reason=judged.detail,
    )
    assert deployer.router.answering == {"credit-v1-1"}
    deployment = await deployer.deployment()
    assert (deployment.state, deployment.failure.cause, deployment.canary) == ("serving", "rolled_back", None)
    deployer.kernel.clock.advance(1)
    await deployer.reconcile()
    assert deployer.servers.names_now() == {"credit-v1-1"}


async def test_what_went_badly_with_both_is_not_the_canarys_doing(deployer) -> None:
    crowd = await canary(deployer)
    for worse in (crowd.errors, crowd.slow, crowd.low):
        worse.update({1: 0.4, 2: 0.4})
    assert isinstance((await ended(deployer))[-1], ModelDeployed)


async def test_a_worse_canary_within_what_is_borne_goes_on(deployer) -> None:
    section = SECTION["canary"] | {"max_error_increase": 0.3}
    crowd = await canary(deployer, canary=section)
    crowd.errors.update({2: 0.2})
    assert isinstance((await ended(deployer))[-1], ModelDeployed)


async def test_silence_neither_finishes_nor_rolls_back_and_is_told_once(deployer) -> None:
    crowd = await canary(deployer)
    crowd.rate = 10

    async def after_a_minute() -> None:
        if len(crowd.weights) == 60:
            crowd.rate = 1000

    crowd.meanwhile = after_a_minute
    _, began, judged, over, *_, deployed = await ended(deployer)
    assert [type(event) for event in (began, judged, over)] == [TroubleReported, CanaryJudged, TroubleReported]
    assert (began.state, began.about, over.state) == ("began", "credit", "ended")
    assert "100 are needed" in began.detail
    assert crowd.weights[:59] == [0.1] * 59
    assert isinstance(deployed, ModelDeployed)


async def test_a_crash_goes_on_at_the_recorded_step(deployer) -> None:
    crowd = await canary(deployer)

    async def killed() -> None:
        if len(crowd.weights) == 7:
            crowd.meanwhile = None
            raise Transient("the deployer was killed here")

    crowd.meanwhile = killed
    first = await ended(deployer)
    assert [getattr(event, "verdict", "started") for event in first] == ["started", "advance"]
    deployer.kernel.clock.advance(10)
    second = await ended(deployer)
    assert [getattr(event, "verdict", "deployed") for event in second] == ["finish", "deployed"]
    assert set(crowd.weights[5:]) == {0.5}


async def test_a_person_rolls_a_canary_back_at_once(deployer) -> None:
    crowd = await canary(deployer)

    async def somebody_has_seen_enough() -> None:
        if len(crowd.weights) == 2:
            command = GoBack("credit", 2, by="ann", reason="customers complain")
            await deployer.kernel.change(go_back, command, collect=False)

    crowd.meanwhile = somebody_has_seen_enough
    _, back = await ended(deployer)
    assert (back.by, back.cause, back.reason, back.serving) == ("ann", "person", "customers complain", 1)
    assert len(crowd.weights) == 2


async def test_a_canary_whose_replicas_end_again_and_again_is_rolled_back(deployer) -> None:
    crowd = await canary(deployer)

    async def dies() -> None:
        deployer.servers.kill("credit-v2-2")
        await deployer.reconcile()
        [replica] = (await deployer.deployment()).candidate.replicas
        await eventually(lambda: _again(deployer, replica.ended))

    crowd.meanwhile = dies
    _, back = await ended(deployer)
    assert (back.cause, back.by, "ended 4 times" in back.reason) == ("canary", "deployer", True)


async def _again(deployer, ended: int) -> bool:
    """The reconciler waits a little longer each time."""
    await deployer.reconcile()
    [replica] = (await deployer.deployment()).candidate.replicas
    return "credit-v2-2" in deployer.servers.processes and replica.ended >= ended


async def test_a_canary_that_cannot_be_judged_is_rolled_back(deployer) -> None:
    await canary(deployer)

    async def bug(replica: object) -> None:
        raise RuntimeError("a bug")

    deployer.servers.counts = bug
    facts = []
    for _ in range(6):
        facts += await ended(deployer)
        deployer.kernel.clock.advance(60)
    assert [type(event) for event in facts] == [CanaryStarted, DeploymentRolledBack]
    assert facts[-1].reason == "it could not be judged: a bug"
    assert deployer.router.answering == {"credit-v1-1"}


async def test_a_later_promotion_ends_the_canary_and_has_one_itself(deployer) -> None:
    crowd = await canary(deployer)

    async def another() -> None:
        if len(crowd.weights) == 2:
            await deployer.kernel.receives(promoted(await deployer.version(3), alias_revision=3))

    crowd.meanwhile = another
    _, first, *rest = await ended(deployer)
    deployer.kernel.clock.advance(60)
    rest += await ended(deployer)
    assert isinstance(first, DeploymentFailed)
    assert (first.version, first.cause, first.still_serving) == (2, "superseded", 1)
    assert [type(event) for event in rest] == [CanaryStarted, CanaryJudged, CanaryJudged, ModelDeployed]
    assert rest[-1].version == 3
    assert not any(name.startswith("credit-v2") for name in deployer.router.answering)


async def test_after_a_crash_a_canary_gives_way_before_the_next_version_is_prepared(deployer) -> None:
    crowd = await canary(deployer)

    async def killed_when_another_is_promoted() -> None:
        crowd.meanwhile = None
        await deployer.kernel.receives(promoted(await deployer.version(3), alias_revision=3))
        raise Transient("the deployer was killed here")

    crowd.meanwhile = killed_when_another_is_promoted
    await deployer.kernel.run_jobs()
    assert deployer.servers.started == ["credit-v1-1", "credit-v2-2"]
    assert deployer.router.answering == {"credit-v1-1", "credit-v2-2"} <= set(deployer.servers.processes)
    for _ in range(5):
        deployer.kernel.clock.advance(60)
        await deployer.kernel.run_jobs()
    last = deployer.kernel.take_published()[-1]
    assert (type(last), last.version) == (ModelDeployed, 3)


async def test_a_shadow_gets_copies_and_answers_nobody_before_it_gets_its_share(deployer) -> None:
    crowd = await canary(deployer, shadow="3s")
    started, shadowed, *_, deployed = await ended(deployer)
    assert started.steps == (0.0, 0.1, 0.5)
    assert (shadowed.verdict, shadowed.step, shadowed.steps, shadowed.weight) == ("advance", 1, 3, 0)
    assert crowd.weights == [0] * 3 + [0.1] * 5 + [0.5] * 5
    assert isinstance(deployed, ModelDeployed)


async def test_a_shadow_before_a_swap_is_compared_too(deployer) -> None:
    crowd = await canary(deployer, strategy="replace", shadow="3s")
    assert [getattr(event, "verdict", "") for event in await ended(deployer)] == ["", "finish", ""]
    crowd.errors.update({3: 0.3})
    await deployer.promote(3)
    back = (await ended(deployer))[-1]
    assert (type(back), back.version, back.serving) == (DeploymentRolledBack, 3, 2)
    assert set(crowd.weights) == {0}


async def test_the_first_version_has_nobody_to_be_compared_with(deployer) -> None:
    await deployer.apply(revision=2, **SECTION)
    assert [type(event) for event in await deployer.deploy(1)] == [ModelDeployed]


async def test_the_alias_that_was_taken_back_names_what_serves_already(deployer) -> None:
    crowd = await canary(deployer)
    crowd.errors.update({2: 0.5})
    await ended(deployer)
    await deployer.promote(1, alias_revision=3)
    assert await deployer.kernel.run_jobs() == 0
    [fact] = deployer.kernel.take_published()
    assert (type(fact), fact.version, fact.replaces, fact.replica) == (ModelDeployed, 1, None, "credit-v1-1")
    deployment = await deployer.deployment()
    assert (deployment.state, deployment.target.version, deployment.failure) == ("serving", 1, None)
