"""What goes along when a model gets another name: its versions, its rules, its aliases with their history.

Documents are found by the model's key, so that they are written anew under the new one. What stands under the old one
is not live any more. The memory stays where it is: the new name's begins with the old one (see recalling.py).
"""

from dataclasses import replace

from murmur_registry.domain.models import RegisteredModel
from murmur_registry.repository import RegistryUnitOfWork, every


async def carry_over(model: RegisteredModel, name: str, uow: RegistryUnitOfWork) -> RegisteredModel:
    """The model under its new name, to be saved by the caller."""
    renamed = replace(model, name=name, updated_at=uow.now)
    aliases = {alias: replace(move, model=renamed.key) for alias, move in model.aliases.items()}
    for version in await uow.live_versions(model.key):
        uow.versions.save(replace(version, deleted=True, updated_at=uow.now))
        uow.versions.save(replace(version, model=renamed.key, updated_at=uow.now))
    async for move in every(uow.moves, {"model": model.key}):
        uow.moves.save(replace(move, model=renamed.key))
    return replace(renamed, aliases=aliases)
