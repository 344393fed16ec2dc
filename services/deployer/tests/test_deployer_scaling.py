"""The number of replicas follows the load, both ways, and does not go to and fro."""

import itertools
import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from murmur_deployer.domain.rules import Autoscaling, DeploymentRules
from murmur_deployer.domain.scaling import Decision, Scale, decide
from murmur_deployer.domain.traffic import Load, Traffic, load, quantile
from murmur_events.deployments import DeploymentScaled

BOUNDS = (5.0, 10.0, 50.0, 100.0, 1000.0)


class Crowd:
    """Clients as the front door counts them: `rate` requests a second, all of which take `milliseconds`."""

    def __init__(self, deployer, pool: str = "credit-v1") -> None:
        self._deployer = deployer
        self._pool = pool
        self._requests = 0
        self._latency = dict.fromkeys(BOUNDS, 0)

    async def seconds(self, count: int, *, rate: int, milliseconds: float = 4.0) -> None:
        for _ in range(count):
            self._requests += rate
            for bound in BOUNDS:
                self._latency[bound] += rate if milliseconds <= bound else 0
            self._deployer.router.counted[self._pool] = Traffic(self._requests, tuple(self._latency.items()))
            self._deployer.kernel.clock.advance(1)
            await self._deployer.reconcile()


def scaled(deployer) -> list[tuple[int, int, str]]:
    found = deployer.kernel.take_published()
    assert all(isinstance(event, DeploymentScaled) for event in found)
    return [(event.before, event.replicas, event.cause) for event in found]


async def automatic(deployer, **autoscaling: object) -> Crowd:
    await deployer.apply(revision=2, replicas=1, max_replicas=4, autoscaling={"rate": 500, "idle": "20s"} | autoscaling)
    await deployer.deploy(1)
    return Crowd(deployer)


async def test_a_surge_is_answered_within_ten_seconds(deployer) -> None:
    crowd = await automatic(deployer)
    await crowd.seconds(10, rate=100)
    assert scaled(deployer) == []
    await crowd.seconds(10, rate=1400)
    assert scaled(deployer)[-1][1] == 3
    assert len(deployer.router.answering) == 3


async def test_the_fact_says_what_was_measured(deployer) -> None:
    crowd = await automatic(deployer)
    await crowd.seconds(5, rate=800, milliseconds=8)
    [fact] = deployer.kernel.take_published()
    assert (fact.before, fact.replicas, fact.cause, fact.rate, fact.version) == (1, 2, "rate", 800, 1)
    assert 5 < fact.p99_ms <= 10
    assert fact.detail == "800/s, 500/s a replica are meant"


async def test_replicas_leave_one_by_one_after_a_while_and_drained(deployer) -> None:
    crowd = await automatic(deployer)
    await crowd.seconds(10, rate=1400)
    scaled(deployer)
    await crowd.seconds(18, rate=10)
    assert scaled(deployer) == []
    await crowd.seconds(10, rate=10)
    assert scaled(deployer) == [(3, 2, "idle")]
    await crowd.seconds(25, rate=10)
    assert scaled(deployer) == [(2, 1, "idle")]
    await crowd.seconds(60, rate=0)
    assert scaled(deployer) == []
    assert deployer.servers.names_now() == {"credit-v1-1"}


async def test_slow_answers_bring_replicas_one_by_one_and_what_was_learned_keeps_them(deployer) -> None:
    crowd = await automatic(deployer, rate=None, latency_p99="50ms")
    await crowd.seconds(10, rate=300, milliseconds=90)
    assert scaled(deployer) == [(1, 2, "latency")]
    await crowd.seconds(60, rate=300, milliseconds=4)
    assert scaled(deployer) == []
    await crowd.seconds(30, rate=30, milliseconds=4)
    assert scaled(deployer) == [(2, 1, "idle")]


async def test_slow_answers_to_few_requests_bring_nobody(deployer) -> None:
    """It is the model that is slow: most of the time the replica has nothing to do."""
    crowd = await automatic(deployer, rate=None, latency_p99="50ms")
    await crowd.seconds(30, rate=2, milliseconds=90)
    assert scaled(deployer) == []


async def test_one_slow_second_is_none(deployer) -> None:
    crowd = await automatic(deployer)
    for _ in range(5):
        await crowd.seconds(2, rate=400, milliseconds=900)
        await crowd.seconds(3, rate=400)
    assert scaled(deployer) == []


async def test_without_max_replicas_no_load_changes_anything(deployer) -> None:
    await deployer.deploy(1)
    await Crowd(deployer).seconds(20, rate=100_000, milliseconds=900)
    assert scaled(deployer) == []


async def test_the_workflows_wish_is_told_too(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, replicas=3)
    await deployer.reconcile()
    [fact] = deployer.kernel.take_published()
    assert (fact.before, fact.replicas, fact.cause, fact.rate) == (1, 3, "settings", None)
    assert fact.detail == "the workflow wants 3 (revision 2)"


async def test_a_new_version_starts_as_large_as_the_load_needs(deployer) -> None:
    crowd = await automatic(deployer)
    await crowd.seconds(10, rate=1400)
    deployer.kernel.take_published()
    await deployer.promote(2)
    await deployer.kernel.run_jobs()
    [fact] = deployer.kernel.take_published()
    assert len(fact.replicas) == 3


async def test_a_front_door_that_begins_to_count_anew_is_no_load(deployer) -> None:
    crowd = await automatic(deployer)
    await crowd.seconds(5, rate=400)
    deployer.router.counted["credit-v1"] = Traffic()
    deployer.kernel.clock.advance(1)
    await deployer.reconcile()
    assert scaled(deployer) == []


def test_load_is_what_came_in_between() -> None:
    before, after = Traffic(100, ((10.0, 100), (20.0, 100))), Traffic(300, ((10.0, 200), (20.0, 300)))
    measured = load(before, after, at=7, seconds=2)
    assert measured is not None
    assert (measured.rate, measured.p99) == (100, 10 + 10 * 0.98)
    assert load(after, before, at=8, seconds=1) is None
    assert quantile((), 0.99) is None


RULES = DeploymentRules(workflow="credit", replicas=1, max_replicas=8, autoscaling=Autoscaling(rate=None, idle=20))


def simulated(
    rules: DeploymentRules, rates: list[float], *, capacity: float, noise: random.Random, start: int = 1
) -> list[tuple[int, Decision]]:
    """What is decided when each replica is a queue that takes `capacity` a second, and a new one needs 4 s to come."""
    scale, decisions, ready_at = Scale(start, 0.0), [], 0
    for second, rate in enumerate(rates):
        now = float(second + 1)
        measured = rate * noise.uniform(0.93, 1.07)
        busy = min(measured / (scale.size * capacity), 0.995)
        scale = scale.seen(Load(now, measured, 4.6 * 1000 / capacity / (1 - busy)), rules)
        decision = decide(scale, rules, ready=second >= ready_at)
        if decision is not None:
            decisions.append((second, decision))
            ready_at = second + 4
            scale = scale.resized(decision, now)
    return decisions


def idle_after(*looks: float) -> Decision | None:
    """Two replicas without any load, looked at in these seconds, of which 5 must have been idle."""
    rules = DeploymentRules(workflow="credit", replicas=1, max_replicas=2, autoscaling=Autoscaling(rate=500, idle=5))
    scale = Scale(2, -100.0)
    for second in looks:
        scale = scale.seen(Load(second, 0.0, None), rules)
    return decide(scale, rules, ready=True)


def test_looks_that_lie_far_apart_decide_nothing() -> None:
    assert idle_after(0.0, 4.5, 5.6) is None
    assert idle_after(0.0, 0.9, 4.5, 5.6) == Decision(1, "idle", "at most 0/s in 5 s, for which 1 suffice", 0.0, None)


@given(
    st.floats(20, 4000),
    st.integers(1, 8),
    st.sampled_from([None, 500.0]),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None, derandomize=True)  # of 4,000 loads one steps down late, and up again
def test_a_steady_load_comes_to_rest(rate, start, aim, seed) -> None:
    """Noise of 7 % either way, ten minutes: not to and fro, and in the second half one step at most, where the load
    lies so near a limit that the noise crosses it for the first time.
    """
    rules = DeploymentRules(
        workflow="credit", replicas=1, max_replicas=8, autoscaling=Autoscaling(rate=aim, latency_p99=50, idle=20)
    )
    decisions = simulated(rules, [rate] * 600, capacity=600, noise=random.Random(seed), start=start)
    sizes = [start, *(decision.size for _, decision in decisions)]
    turns = sum(
        (later - middle) * (middle - earlier) < 0
        for earlier, middle, later in zip(sizes, sizes[1:], sizes[2:], strict=False)
    )
    assert turns <= 2, decisions
    steps = [(earlier, later) for earlier, later in itertools.pairwise(sizes)]
    assert len(set(steps)) == len(steps), "what was learned from a step is not forgotten"
    assert len([decision for second, decision in decisions if second > 300]) <= 1, decisions


@given(st.floats(600, 4000), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_surge_is_met_within_ten_seconds_whatever_its_size(rate, seed) -> None:
    rules = DeploymentRules(workflow="credit", replicas=1, max_replicas=8, autoscaling=Autoscaling(rate=500, idle=20))
    decisions = simulated(rules, [50.0] * 30 + [rate] * 10, capacity=600, noise=random.Random(seed))
    enough = min(8, math.ceil(rate * 0.93 / 500))
    assert any(30 <= second < 36 and decision.size >= enough for second, decision in decisions), decisions
