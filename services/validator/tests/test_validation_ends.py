"""A validation ends in a fact even when nothing works: with the verdict failed, and why."""

from dataclasses import dataclass

from validator_facts import PlainReporter, Shelf, good_model, registered, workflow_applied

from murmur_events.validation import ValidationCompleted
from murmur_events.values import Artifact
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import Transient
from murmur_kernel.testing import Harness, StoreName
from murmur_validator.app import jobs_of
from murmur_validator.consumers import SUBSCRIPTIONS
from murmur_validator.evaluation import XGBoostEvaluator
from murmur_validator.jobs import Validator
from murmur_validator.ports import Evidence, Material
from murmur_validator.report import HtmlReporter
from murmur_validator.repository import KINDS, VALIDATIONS, ValidationStatus, ValidatorUnitOfWork


@dataclass
class BrokenEvaluator:
    """Has a bug that no retry heals."""

    tries: int = 0

    async def measure(self, material: Material) -> Evidence:
        self.tries += 1
        raise RuntimeError("cannot allocate 12 GiB")


@dataclass
class UnreachableArtifacts:
    """An artifact store whose file system does not answer the first times."""

    behind: ArtifactStore
    failures: int

    async def read_bytes(self, artifact: Artifact) -> bytes:
        if self.failures:
            self.failures -= 1
            raise Transient("file system away")
        return await self.behind.read_bytes(artifact)

    async def put_bytes(self, data: bytes, *, suffix: str = "") -> Artifact:
        return await self.behind.put_bytes(data, suffix=suffix)


def harness(validator: Validator, store: StoreName) -> Harness[ValidatorUnitOfWork]:
    return Harness(
        ValidatorUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=jobs_of(validator),
        store=store,
        service="validator",
    )


async def run_all_attempts(validator: Harness[ValidatorUnitOfWork]) -> None:
    for _ in range(6):
        await validator.run_jobs()
        validator.clock.advance(60)


async def test_a_validation_that_always_breaks_ends_as_failed_with_the_reason(
    store: StoreName, artifacts: ArtifactStore, shelf: Shelf
) -> None:
    evaluator = BrokenEvaluator()
    async with harness(Validator(artifacts, evaluator, HtmlReporter()), store) as validator:
        await validator.receives(workflow_applied())
        await validator.receives(registered(await shelf.version(1, good_model())))
        await run_all_attempts(validator)
        (completed,) = validator.published
        assert isinstance(completed, ValidationCompleted)
        assert completed.verdict == "failed"
        assert "cannot allocate 12 GiB" in completed.summary
        assert evaluator.tries == 3
        assert "cannot allocate 12 GiB" in (await artifacts.read_bytes(completed.report)).decode()
        validation = await validator.get(VALIDATIONS, "credit/1")
        assert validation is not None
        assert validation.status is ValidationStatus.COMPLETED


async def test_a_file_system_that_is_away_for_longer_than_three_attempts_costs_nothing_but_time(
    store: StoreName, artifacts: ArtifactStore, shelf: Shelf
) -> None:
    flaky = UnreachableArtifacts(artifacts, failures=5)
    async with harness(Validator(flaky, XGBoostEvaluator(resamples=200), PlainReporter()), store) as validator:
        await validator.receives(workflow_applied())
        await validator.receives(registered(await shelf.version(1, good_model())))
        await run_all_attempts(validator)
        (completed,) = validator.published
        assert isinstance(completed, ValidationCompleted)
        assert completed.verdict == "first"
        validation = await validator.get(VALIDATIONS, "credit/1")
        assert validation is not None
        assert validation.attempt == 6
