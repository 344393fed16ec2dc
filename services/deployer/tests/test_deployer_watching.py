"""What replicas have counted between two looks, and whether one of them began anew meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from murmur_deployer.domain.canary import Canary, Counts, Evidence
from murmur_deployer.domain.deployment import Deployment, Target
from murmur_deployer.domain.replicas import ProcessId, Replica, ServedVersion
from murmur_deployer.testing import FakeModelServers
from murmur_deployer.watching import Watch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STABLE = Replica("credit-v1-1", "credit", 1, 1, 2, ProcessId(1, 1.0))
CANARY = Replica("credit-v2-2", "credit", 2, 3, 4, ProcessId(2, 2.0))


def deployment(canary: Replica = CANARY) -> Deployment:
    return Deployment(
        "credit",
        Target(2, 2),
        serving=ServedVersion(1, (STABLE,)),
        candidate=ServedVersion(2, (canary,)),
        canary=Canary(weight=0.1, began=NOW, since=NOW),
    )


def counted(requests: int, *, slow: int, errors: int = 0) -> Counts:
    return Counts(requests, errors, ((5.0, requests - slow), (1e9, requests)), ((0.5, requests), (1.0, requests)))


@pytest.fixture
def servers() -> FakeModelServers:
    return FakeModelServers(
        processes={each.name: each.process for each in (STABLE, CANARY)},
        counted={STABLE.name: counted(0, slow=0), CANARY.name: counted(3, slow=1, errors=2)},
    )


async def looked(servers: FakeModelServers, *, canary: Replica, counts: Counts) -> tuple[Evidence, Evidence]:
    """The evidence before and after a second in which the canary came to be so."""
    watch = Watch(servers, Evidence(slow_ms=5.0))
    await watch.look(deployment())
    servers.counted[STABLE.name] = counted(200, slow=2)
    await watch.look(deployment())
    before = watch.evidence
    servers.counted |= {STABLE.name: counted(400, slow=4), CANARY.name: counts}
    await watch.look(deployment(canary))
    return before, watch.evidence


async def test_what_came_since_the_last_look_is_evidence(servers) -> None:
    before, after = await looked(servers, canary=CANARY, counts=counted(7, slow=2, errors=3))
    assert (after.canary.requests - before.canary.requests, after.canary.errors) == (4, 1)
    assert after.latency.canary.trials == 4


@pytest.mark.parametrize(
    ("process", "counts"),
    [
        (ProcessId(3, 3.0), counted(40, slow=30, errors=4)),
        (CANARY.process, counted(2, slow=2, errors=2)),
        (CANARY.process, counted(4, slow=4, errors=1)),
        (CANARY.process, counted(4, slow=4, errors=2)),
    ],
    ids=["another-process", "fewer-requests", "fewer-errors", "fewer-quick-ones"],
)
async def test_a_replica_that_began_anew_is_told_though_it_has_counted_more_by_now(servers, process, counts) -> None:
    """Its record may be older than what it tells: then its counts say so. It is slow at first, which is no evidence."""
    before, after = await looked(servers, canary=replace(CANARY, process=process), counts=counts)
    assert after.canary.requests - before.canary.requests == counts.requests
    assert after.canary.errors - before.canary.errors == counts.errors
    assert after.latency == before.latency
