"""Batches over a real unit of work, with a fake model server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet

from murmur_deployer.batches.asking import SCORING
from murmur_deployer.batches.chunks import Manners
from murmur_deployer.batches.scoring import Scoring
from murmur_deployer.batches.spool import Spool
from murmur_deployer.batches.testing import FakeScorer, parquet_bytes
from murmur_deployer.consumers import SUBSCRIPTIONS
from murmur_deployer.domain.batch import Batch
from murmur_deployer.domain.deployment import Deployment, Target
from murmur_deployer.domain.replicas import Replica, ServedVersion
from murmur_deployer.repository import BATCHES, KINDS, DeployerUnitOfWork, Release
from murmur_deployer.testing import version_state
from murmur_events import Event
from murmur_events.batches import BatchRequested
from murmur_events.values import Artifact, ColumnSpec, Signature
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.jobs import JobKind
from murmur_kernel.testing import Harness, StoreName

SIGNATURE = Signature(inputs=(ColumnSpec(name="limit"), ColumnSpec(name="age", dtype="integer")))
CHUNK_ROWS = 600


def serving(version: int) -> Deployment:
    replica = Replica(f"credit-v{version}-1", "credit", version, 8180, 8181, proven=True)
    return Deployment("credit", Target(version, version), serving=ServedVersion(version, (replica,)))


def rows(count: int) -> dict[str, Sequence[object]]:
    return {"limit": [float(row) for row in range(count)], "age": [row % 90 for row in range(count)]}


class BatchHarness:
    """`scorer` answers; `spool` is what is on the disk."""

    def __init__(self, store: StoreName, home: Path, *, manners: Manners | None = None) -> None:
        self.artifacts = ArtifactStore(f"file://{home}/artifacts")
        self.scorer = FakeScorer()
        self.spool = Spool(home / "batches")
        manners = manners or Manners(share=1.0, patience=0.0, failed_rows=10)
        scoring = Scoring(self.scorer, self.artifacts, self.spool, chunk_rows=CHUNK_ROWS, manners=manners)
        self.kernel = Harness(
            DeployerUnitOfWork,
            kinds=KINDS,
            subscriptions=SUBSCRIPTIONS,
            jobs={SCORING: JobKind(scoring.run, max_attempts=3, exhausted=scoring.exhausted)},
            store=store,
            service="deployer",
        )

    async def serve(self, *versions: int) -> None:
        """These versions are known, and the last one serves."""
        for version in versions:
            state = await version_state(self.artifacts, version=version, signature=SIGNATURE)
            await self.kernel.given(Release("credit", version, state))
        await self.kernel.given(serving(versions[-1]))

    async def sent(self, columns: dict[str, Sequence[object]], **how: Any) -> Artifact:
        return await self.artifacts.put_bytes(parquet_bytes(columns, **how), suffix=".parquet")

    async def ask(self, given: Artifact, *, batch: str = "b-1", **wish: Any) -> None:
        wish = {"deployment": "credit", "by": "ada"} | wish
        await self.kernel.receives(BatchRequested(batch=batch, input=given, **wish))

    async def score(self, given: Artifact, **wish: Any) -> Event:
        """From the request to the fact that ends it."""
        await self.ask(given, **wish)
        await self.run()
        [fact] = self.kernel.take_published()
        return fact

    async def run(self) -> None:
        """Every attempt that is due, and those that are put off."""
        while await self.kernel.run_jobs():
            self.kernel.clock.advance(60)

    async def batch(self, name: str = "b-1") -> Batch:
        found = await self.kernel.get(BATCHES, name)
        assert found is not None
        return found

    async def output(self, artifact: Artifact, to: Path) -> dict[str, list[Any]]:
        await self.artifacts.fetch(artifact, to)
        columns: dict[str, list[Any]] = parquet.read_table(to).to_pydict()
        return columns
