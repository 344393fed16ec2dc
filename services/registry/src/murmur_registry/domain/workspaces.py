"""The end of a workspace, as the registry keeps it: what was made up to then is not there, whatever is stored.

A client may go on at once, before the registry has heard of the end. So what counts is when a thing was made: what is
of before the end is gone, what came after it stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from murmur_registry.domain.memory import Change, What
from murmur_registry.domain.models import RegisteredModel
from murmur_registry.domain.rules import NO_RULES


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """generation: how often the name was dropped. dropped_at: when last."""

    name: str
    generation: int
    dropped_at: datetime


def dropped(before: Workspace | None, name: str, generation: int, at: datetime) -> Workspace:
    """The same in every order. generation: the one that ended"""
    if before is not None and before.generation > generation:
        return before
    return Workspace(name=name, generation=generation + 1, dropped_at=at)


def is_gone(made_at: datetime, workspace: Workspace | None) -> bool:
    """workspace: None for one that was never dropped"""
    return workspace is not None and made_at <= workspace.dropped_at


def ended(model: RegisteredModel) -> RegisteredModel:
    """Should there be one of this name again, its aliases count on."""
    aliases = {alias: replace(move, version=None) for alias, move in model.aliases.items()}
    return replace(model, deleted=True, aliases=aliases)


def begun_anew(
    model: RegisteredModel, workspace: Workspace, versions: Iterable[tuple[int, datetime]], changes: Iterable[Change]
) -> RegisteredModel:
    """A model of before to which versions were added since: it has these, and what else was told of it since.

    versions: numbers and times of those that were made since, at least one; changes: of the model, in their order
    """
    since = [one for one in changes if one.at > workspace.dropped_at and one.version is None]
    made = dict(versions)
    tags: dict[str, str] = {}
    for change in since:
        if change.what is What.TAG:
            tags.pop(change.name, None)
            if change.after is not None:
                tags[change.name] = change.after
    described = [change.after for change in since if change.what is What.DESCRIBED]
    aliases = {
        alias: move if move.version in made and move.at > workspace.dropped_at else replace(move, version=None)
        for alias, move in model.aliases.items()
    }
    return replace(
        model,
        created_at=min(made.values()),
        description=(described[-1] or "") if described else "",
        tags=tags,
        aliases=aliases,
        rules=model.rules if any(change.what is What.RULES for change in since) else NO_RULES,
    )
