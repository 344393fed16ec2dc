"""What replicas answer right now: rates between two looks, however many people look."""

import pytest

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.pace import pace
from murmur_deployer.live import find_deployment, traffic
from murmur_deployer.meter import Meter
from murmur_deployer.testing import FakeModelServers

FAST, SLOW = ((1.0, 0), (5.0, 100), (20.0, 100)), ((1.0, 0), (5.0, 0), (20.0, 100))


def counts(requests: int, errors: int = 0, latency=()) -> Counts:
    return Counts(requests, errors, latency)


class Watcher:
    """A meter over the fake model servers, and a clock that a test moves."""

    def __init__(self, servers: FakeModelServers) -> None:
        self.servers = servers
        self.at = 100.0
        self.looks = 0
        self.meter = Meter(self, now=lambda: self.at)

    async def counts(self, replica) -> Counts | None:
        self.looks += 1
        return await self.servers.counts(replica)

    async def look(self, deployer, after: float = 1.0):
        self.at += after
        deployment = await deployer.kernel.read(find_deployment, "credit")
        return traffic(deployment, await self.meter.measure(deployment.replicas), deployer.kernel.clock.now())


@pytest.fixture
def watcher(deployer) -> Watcher:
    return Watcher(deployer.servers)


async def test_a_first_look_has_counters_and_no_rates(deployer, watcher) -> None:
    await deployer.deploy(1)
    deployer.servers.counted["credit-v1-1"] = counts(500)
    shown = await watcher.look(deployer)
    [replica] = shown.replicas
    assert (replica.name, replica.answers, replica.requests, replica.rate) == ("credit-v1-1", True, 500, None)
    [version] = shown.versions
    assert (version.version, version.role, version.replicas, version.rate) == (1, "serving", 1, None)


async def test_two_looks_make_rates_and_quantiles_of_what_came_between(deployer, watcher) -> None:
    await deployer.deploy(1)
    deployer.servers.counted["credit-v1-1"] = counts(500, 5, SLOW)
    await watcher.look(deployer)
    deployer.servers.counted["credit-v1-1"] = counts(
        600, 9, tuple((b, s + f) for (b, s), (_, f) in zip(SLOW, FAST, strict=True))
    )
    [replica] = (await watcher.look(deployer, after=2.0)).replicas
    assert (replica.seconds, replica.rate, replica.errors) == (2.0, 50.0, 2.0)
    assert replica.p99_ms == pytest.approx(1 + 4 * 0.99)  # of the hundred fast ones alone


async def test_versions_are_measured_side_by_side_and_replicas_add_up(deployer, watcher) -> None:
    await deployer.apply(revision=2, replicas=2)
    await deployer.deploy(1)
    names = ["credit-v1-1", "credit-v1-2"]
    for name in names:
        deployer.servers.counted[name] = counts(0)
    await watcher.look(deployer)
    deployer.servers.counted = {names[0]: counts(300, 0, FAST), names[1]: counts(100, 10, SLOW)}
    [version] = (await watcher.look(deployer)).versions
    assert (version.rate, version.errors, version.requests) == (400.0, 10.0, 400)
    assert version.p50_ms == 5.0
    assert version.p99_ms > 19


async def test_however_many_look_a_replica_is_asked_once_a_second(deployer, watcher) -> None:
    await deployer.deploy(1)
    deployer.servers.counted["credit-v1-1"] = counts(0)
    await watcher.look(deployer)
    deployer.servers.counted["credit-v1-1"] = counts(100)
    first = await watcher.look(deployer)
    deployer.servers.counted["credit-v1-1"] = counts(999)
    second = await watcher.look(deployer, after=0.2)
    assert second.replicas == first.replicas
    assert watcher.looks == 2


async def test_a_rate_is_of_the_last_seconds_not_of_all_time(deployer, watcher) -> None:
    await deployer.deploy(1)
    for number in range(20):
        deployer.servers.counted["credit-v1-1"] = counts(1000 if number > 10 else 0)
        shown = await watcher.look(deployer)
    assert (shown.replicas[0].rate, shown.replicas[0].seconds) == (0.0, 5.0)


async def test_a_replica_that_began_anew_counts_from_nothing(deployer, watcher) -> None:
    await deployer.deploy(1)
    deployer.servers.counted["credit-v1-1"] = counts(10_000)
    await watcher.look(deployer)
    deployer.servers.counted["credit-v1-1"] = counts(30)
    assert (await watcher.look(deployer)).replicas[0].rate == 30.0


async def test_a_replica_that_does_not_answer_is_said_to(deployer, watcher) -> None:
    await deployer.deploy(1)
    [replica] = (await watcher.look(deployer)).replicas
    assert (replica.answers, replica.requests, replica.rate) == (False, 0, None)


def test_nothing_answered_has_no_latency() -> None:
    assert pace(Counts(), 2.0).p99 is None
