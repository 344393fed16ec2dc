"""What was so at some time: the memory of a model, read up to then, under whichever name it had."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from murmur_registry.domain.memory import Change, ModelThen, What, how_it_was
from murmur_registry.domain.models import model_key, name_in
from murmur_registry.domain.refusals import NotThere
from murmur_registry.repository import RegistryUnitOfWork


@dataclass(frozen=True, kw_only=True)
class Recall:
    key: str
    at: datetime


async def recall(query: Recall, uow: RegistryUnitOfWork) -> ModelThen:
    """The model as it was then; one that had another name then is found by the name of now. Raises NotThere."""
    key, seen = query.key, set[str]()
    while key not in seen:
        seen.add(key)
        own = await uow.remembered(key)
        found = how_it_was(name_in(key), await _whole(key, [one for one in own if one.at <= query.at], uow))
        if found is not None:
            return found
        later = next((one for one in own if one.what is What.RENAMED and one.at > query.at), None)
        if later is not None:
            key = _key_before(key, later)
    raise NotThere(f"nothing is remembered of a registered model {name_in(query.key)!r} at {query.at.isoformat()}")


async def _whole(key: str, own: Iterable[Change], uow: RegistryUnitOfWork) -> list[Change]:
    """With what happened under earlier names: where it was renamed, its memory begins with that of the name before."""
    whole: list[Change] = []
    for change in own:
        if change.what is What.RENAMED:
            before = _key_before(key, change)
            whole = await _whole(before, await _until_renamed(before, change, uow), uow)
        else:
            whole.append(change)
    return whole


async def _until_renamed(key: str, renamed: Change, uow: RegistryUnitOfWork) -> list[Change]:
    """The memory of the earlier name, up to the entry by which it lost the model."""
    earlier: list[Change] = []
    for change in await uow.remembered(key):
        if change.what is What.DELETED and (change.after, change.at) == (renamed.after, renamed.at):
            break
        earlier.append(change)
    return earlier


def _key_before(key: str, renamed: Change) -> str:
    workspace = key.rpartition("/")[0]
    name = renamed.before or ""
    return model_key(workspace, name) if workspace else name
