"""Clients of a deployment in its tests: what replicas count while they ask, second by second."""

from collections import defaultdict

from murmur_deployer.domain.canary import Counts

SECTION = {
    "strategy": "canary",
    "canary": {"steps": [0.1, 0.5], "step_time": "5s", "min_rows": 100, "deadline": "30s"},
}
LATENCY = (5.0, 10.0, 20.0, 1e9)
OUTPUTS = (0.25, 0.5, 0.75, 1.0)


class Crowd:
    """What replicas count while clients send `rate` requests a second; by version, what goes otherwise."""

    def __init__(self, deployer, *, rate: int = 1000) -> None:
        self._deployer = deployer
        self.rate = rate
        self.errors: dict[int, float] = defaultdict(float)
        self.slow: dict[int, float] = defaultdict(lambda: 0.02)
        self.low: dict[int, float] = defaultdict(lambda: 0.7)
        self.weights: list[float] = []
        self.meanwhile = None
        deployer.between_looks = self.a_second

    async def a_second(self, seconds: float) -> None:
        deployment = await self._deployer.deployment()
        [route] = self._deployer.router.table.routes
        share = route.canary.weight if route.canary else 0.0
        self.weights.append(share)
        assert len(self.weights) < 1000, "a canary that never ends"
        copied = route.canary is not None and share == 0
        for served, part in ((deployment.serving, 1 - share), (deployment.candidate, 1 if copied else share)):
            for replica in served.replicas if served else ():
                before = self._deployer.servers.counted.get(replica.name, Counts())
                more = self._counted(served.version, round(self.rate * part / len(served.replicas)))
                self._deployer.servers.counted[replica.name] = before.plus(more)
        self._deployer.kernel.clock.advance(seconds)
        if self.meanwhile is not None:
            await self.meanwhile()

    def _counted(self, version: int, requests: int) -> Counts:
        within = requests - round(requests * self.slow[version])
        low = round(requests * self.low[version])
        return Counts(
            requests,
            round(requests * self.errors[version]),
            tuple((bound, within if bound < 20 else requests) for bound in LATENCY),
            tuple((bound, low if bound < 0.75 else requests) for bound in OUTPUTS),
        )


async def canary(deployer, **changes) -> Crowd:
    """Version 1 serves, and version 2 has been promoted."""
    await deployer.deploy(1)
    await deployer.apply(revision=2, **SECTION | changes)
    crowd = Crowd(deployer)
    await deployer.promote(2)
    return crowd


async def ended(deployer):
    await deployer.kernel.run_jobs()
    return deployer.kernel.take_published()
