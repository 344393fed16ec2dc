"""A version as it is now, kept and said: what is done to one by hand ends here."""

from murmur_events.registry import VersionChanged
from murmur_registry.domain.because import Because
from murmur_registry.domain.stages import stage_of
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument


def say_version(version: VersionDocument, because: Because, uow: RegistryUnitOfWork) -> None:
    uow.versions.save(version)
    uow.publish(
        VersionChanged(
            model=version.model,
            workspace=version.workspace,
            name=version.name,
            version=version.version,
            stage=stage_of(version).value,
            description=version.description,
            tags=dict(version.tags),
            source=version.source,
            run_id=version.run_id,
            run_link=version.run_link,
            logged_model=version.logged_model,
            user=version.user,
            deleted=version.deleted,
            by=because.by,
            reason=because.reason,
            via=because.via.value,
        )
    )
