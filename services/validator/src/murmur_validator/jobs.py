"""A validation, as a job: fetch, measure, judge, report, say. It ends in validation.completed, whatever happens."""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from pydantic import BaseModel

from murmur_events.models import VersionState
from murmur_events.values import Artifact
from murmur_kernel.errors import ArtifactError
from murmur_kernel.jobs import Job
from murmur_validator.domain.judgement import Check, Judgement, Rules, Unjudgeable, judge, not_judged
from murmur_validator.ports import Artifacts, Dossier, Evaluator, Evidence, Material, Reporter
from murmur_validator.repository import ValidationStatus, ValidatorUnitOfWork, WorkflowRules, rules_id, validation_id
from murmur_validator.translation import completion_of, rules_of

VALIDATION = "validation"

log = structlog.get_logger()


class Request(BaseModel):
    """The payload of a job: whom to judge, and against whom."""

    candidate: VersionState
    baseline: VersionState | None

    @property
    def validation_id(self) -> str:
        return validation_id(self.candidate.model, self.candidate.version)


@dataclass(frozen=True)
class Validator:
    artifacts: Artifacts
    evaluator: Evaluator
    reporter: Reporter

    async def run(self, job: Job[ValidatorUnitOfWork]) -> None:
        """Raises Transient when files or store cannot be reached: then the job is tried again."""
        begun = await _begin(job)
        version = begun.request.baseline.version if begun.request.baseline else None
        try:
            with job.step("measure"):
                evidence = await self._measure(begun)
        except Unjudgeable as error:
            await self._complete(job, begun, not_judged(error.check), None)
        else:
            await self._complete(job, begun, judge(evidence.measurements, begun.rules, baseline=version), evidence)

    async def give_up(self, job: Job[ValidatorUnitOfWork], error: str) -> None:
        """After the last attempt: whoever waits for the verdict gets one, and it says why nobody could reach one."""
        detail = f"every attempt to judge it failed, the last one with: {error}"
        await self._complete(
            job, await _begin(job), not_judged(Check(name="judged", passed=False, detail=detail)), None
        )

    async def _measure(self, begun: "Begun") -> Evidence:
        """Raises Unjudgeable, which names the file and both digests where one was changed."""
        candidate, baseline = begun.request.candidate, begun.request.baseline
        candidate_model = await self._read("candidate_model_intact", candidate.artifacts.model)
        baseline_model = await self._read("baseline_model_intact", baseline.artifacts.model) if baseline else None
        return await self.evaluator.measure(
            Material(
                candidate=candidate,
                candidate_model=candidate_model,
                baseline=baseline,
                baseline_model=baseline_model,
                holdout=await self._read("holdout_intact", candidate.artifacts.dataset.holdout),
                data=begun.workflow.data,
                baseline_data=begun.baseline_workflow.data if begun.baseline_workflow else None,
                rules=begun.rules,
            )
        )

    async def _read(self, check: str, artifact: Artifact) -> bytes:
        try:
            return await self.artifacts.read_bytes(artifact)
        except ArtifactError as error:
            raise Unjudgeable(check, str(error)) from error

    async def _complete(
        self, job: Job[ValidatorUnitOfWork], begun: "Begun", judgement: Judgement, evidence: Evidence | None
    ) -> None:
        dossier = Dossier(
            candidate=begun.request.candidate,
            baseline=begun.request.baseline,
            rules=begun.rules,
            judgement=judgement,
            evidence=evidence,
            judged_at=begun.at,
        )
        with job.step("report"):
            report = await self.artifacts.put_bytes(await self.reporter.render(dossier), suffix=".html")
        completed = completion_of(dossier, report)
        async with job.unit_of_work(completes=True) as uow:
            uow.publish(completed)
            validation = await uow.validations.require(begun.request.validation_id)
            if validation.job_id == job.id:
                uow.validations.save(
                    replace(
                        validation,
                        status=ValidationStatus.COMPLETED,
                        attempt=job.attempt,
                        completed_at=uow.now,
                        result=completed,
                    )
                )
        log.info("validation completed", verdict=judgement.outcome.value, summary=judgement.summary)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What an attempt works with."""

    request: Request
    workflow: WorkflowRules
    baseline_workflow: WorkflowRules | None
    at: datetime

    @property
    def rules(self) -> Rules:
        return rules_of(self.workflow.validation)


async def _begin(job: Job[ValidatorUnitOfWork]) -> Begun:
    """The validation is under way, unless a newer request has taken its place: then only its fact is still owed."""
    request = Request.model_validate(job.payload)
    async with job.unit_of_work() as uow:
        validation = await uow.validations.require(request.validation_id)
        if validation.job_id == job.id:
            uow.validations.save(replace(validation, status=ValidationStatus.RUNNING, attempt=job.attempt))
        return Begun(
            request=request,
            workflow=await uow.rules.require(_rules_id(request.candidate)),
            baseline_workflow=await uow.rules.require(_rules_id(request.baseline)) if request.baseline else None,
            at=uow.now,
        )


def _rules_id(state: VersionState) -> str:
    return rules_id(state.workflow, state.revision)
