"""The registry's only timer: a verdict that does not come is marked, so that people see what a version waits for.

The registry raises no alert of its own: `alert.raised` belongs to the monitor.
"""

import structlog

from murmur_kernel.jobs import Job
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, version_id

VERDICT_OVERDUE = "verdict-overdue"

log = structlog.get_logger()


def set_deadline(version: VersionDocument, uow: RegistryUnitOfWork) -> None:
    """For the request that the version waits for now."""
    if version.waiting is not None:
        uow.enqueue(
            VERDICT_OVERDUE,
            job_id=_deadline_id(version),
            payload={"model": version.model, "version": version.version, "request": version.requests},
            due=version.waiting.due,
        )


def cancel_deadline(version: VersionDocument, uow: RegistryUnitOfWork) -> None:
    """The verdict came."""
    uow.cancel(_deadline_id(version))


async def mark_overdue(job: Job[RegistryUnitOfWork]) -> None:
    """The verdict did not come in time. Should it come yet, it counts as if it had not been late."""
    async with job.unit_of_work(completes=True) as uow:
        version = await uow.versions.require(version_id(job.payload["model"], job.payload["version"]))
        if (missed := version.missed(job.payload["request"])) is not None:
            uow.versions.save(missed)
            log.error("verdict overdue", model=version.model, version=version.version, run_id=version.run_id)


def _deadline_id(version: VersionDocument) -> str:
    return f"{VERDICT_OVERDUE}/{version_id(version.model, version.version)}/{version.requests}"
