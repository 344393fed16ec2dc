"""The long work of tracking: what is left of a workspace that is gone."""

import asyncio

from murmur_kernel.artifact_files import UNWILLING, refused
from murmur_kernel.jobs import Job, Jobs
from murmur_tracking.mlflow_api.artifacts import Names
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.workspaces import DROP_ARTIFACTS


def jobs_of(names: Names) -> Jobs[TrackingUnitOfWork]:
    async def drop_artifacts(job: Job[TrackingUnitOfWork]) -> None:
        """Names only, as for every artifact that is deleted; a second time there are none. Raises Transient."""
        workspace: str = job.payload["workspace"]
        try:
            await asyncio.to_thread(names.delete, workspace)
        except UNWILLING as error:
            raise refused(error, f"cannot delete the artifacts of {workspace!r}") from error
        async with job.unit_of_work(completes=True):
            pass

    return {DROP_ARTIFACTS: drop_artifacts}
