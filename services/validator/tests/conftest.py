"""A validator to speak to, over the fake store and the real one, with real models and a real artifact store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from validator_facts import PlainReporter, Shelf

from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_validator.app import jobs_of
from murmur_validator.consumers import SUBSCRIPTIONS
from murmur_validator.evaluation import XGBoostEvaluator
from murmur_validator.jobs import Validator
from murmur_validator.repository import KINDS, ValidatorUnitOfWork


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(f"file://{tmp_path}/artifacts")


@pytest.fixture
def shelf(artifacts: ArtifactStore) -> Shelf:
    return Shelf(artifacts)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> StoreName:
    name: StoreName = request.param
    return name


@pytest.fixture
async def validator(store: StoreName, artifacts: ArtifactStore) -> AsyncIterator[Harness[ValidatorUnitOfWork]]:
    jobs = jobs_of(Validator(artifacts, XGBoostEvaluator(resamples=200), PlainReporter()))
    async with Harness(
        ValidatorUnitOfWork, kinds=KINDS, subscriptions=SUBSCRIPTIONS, jobs=jobs, store=store, service="validator"
    ) as harness:
        yield harness
