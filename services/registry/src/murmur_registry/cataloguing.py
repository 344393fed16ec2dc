"""Registered models by hand: made, described, tagged, renamed, given rules and deleted, whichever door asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from murmur_events.registry import ModelChanged
from murmur_registry import aliases
from murmur_registry.domain.because import Because
from murmur_registry.domain.gates import APPROVER
from murmur_registry.domain.memory import What
from murmur_registry.domain.models import RegisteredModel, model_key
from murmur_registry.domain.names import check_model_name, check_tag_key, check_tags, check_text
from murmur_registry.domain.refusals import NotPossible, model_taken
from murmur_registry.domain.rules import Rules
from murmur_registry.domain.workspaces import ended
from murmur_registry.remembering import remember
from murmur_registry.renaming import carry_over
from murmur_registry.repository import RegistryUnitOfWork


@dataclass(frozen=True, kw_only=True)
class MakeModel:
    workspace: str
    name: str
    because: Because
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DescribeModel:
    key: str
    description: str
    because: Because


@dataclass(frozen=True, kw_only=True)
class TagModel:
    """`value` None takes the tag away."""

    key: str
    tag: str
    value: str | None
    because: Because


@dataclass(frozen=True, kw_only=True)
class RenameModel:
    key: str
    new_name: str
    because: Because


@dataclass(frozen=True, kw_only=True)
class DeleteModel:
    key: str
    because: Because


@dataclass(frozen=True, kw_only=True)
class SetRules:
    key: str
    rules: Rules
    because: Because


async def make_model(command: MakeModel, uow: RegistryUnitOfWork) -> RegisteredModel:
    """Raises Invalid, Taken. Under the name of one that was deleted a new one begins, numbered from 1."""
    check_model_name(command.name)
    check_tags(command.tags)
    check_text("description", command.description)
    key = model_key(command.workspace, command.name)
    if await uow.model_there(key) is not None:
        raise model_taken(command.name)
    known = await uow.models.get(key)
    model = RegisteredModel(
        name=command.name,
        workspace=command.workspace,
        versions=0,
        created_at=uow.now,
        updated_at=uow.now,
        aliases=ended(known).aliases if known else {},
        description=command.description,
        tags=dict(command.tags),
    )
    remember(uow, command.because, model.key, What.MADE, after=model.description or None)
    for tag, value in model.tags.items():
        remember(uow, command.because, model.key, What.TAG, name=tag, after=value)
    return _saved(model, command.because, uow)


async def describe_model(command: DescribeModel, uow: RegistryUnitOfWork) -> RegisteredModel:
    """Raises Invalid, NotThere."""
    check_text("description", command.description)
    model = await uow.live_model(command.key)
    remember(
        uow, command.because, model.key, What.DESCRIBED, before=model.description or None, after=command.description
    )
    return _saved(replace(model, description=command.description, updated_at=uow.now), command.because, uow)


async def tag_model(command: TagModel, uow: RegistryUnitOfWork) -> RegisteredModel:
    """Nothing where it is so already. Raises Invalid, NotThere."""
    if command.value is None:
        check_tag_key(command.tag)
    else:
        check_tags({command.tag: command.value})
    model = await uow.live_model(command.key)
    before = model.tags.get(command.tag)
    if before == command.value:
        return model
    remember(uow, command.because, model.key, What.TAG, name=command.tag, before=before, after=command.value)
    tags = {key: value for key, value in model.tags.items() if key != command.tag}
    if command.value is not None:
        tags[command.tag] = command.value
    return _saved(replace(model, tags=tags), command.because, uow)


async def rename_model(command: RenameModel, uow: RegistryUnitOfWork) -> RegisteredModel:
    """Versions, aliases and memory come along. Raises Invalid, NotThere, Taken, NotPossible."""
    check_model_name(command.new_name, "new_name")
    model = await uow.live_model(command.key)
    if model.workflow is not None:
        raise NotPossible(
            f"{model.name!r} is the model of the workflow {model.workflow!r}, which bears the same name: it cannot be"
            f" renamed"
        )
    new_key = model_key(model.workspace, command.new_name)
    if new_key == model.key:
        return model
    if await uow.model_there(new_key) is not None:
        raise model_taken(command.new_name)
    renamed = await carry_over(model, command.new_name, uow)
    remember(uow, command.because, model.key, What.DELETED, name="renamed", after=command.new_name)
    remember(uow, command.because, new_key, What.RENAMED, before=model.name, after=command.new_name)
    gone = replace(ended(model), updated_at=uow.now)
    uow.models.save(gone)
    uow.publish(_changed(gone, command.because, renamed_to=command.new_name))
    uow.models.save(renamed)
    uow.publish(_changed(renamed, command.because, renamed_from=model.name))
    return renamed


async def delete_model(command: DeleteModel, uow: RegistryUnitOfWork) -> RegisteredModel:
    """With its versions and aliases; what was remembered of it stays. Raises NotThere, NotPossible, NotAllowed."""
    model = await uow.live_model(command.key)
    if model.workflow is not None:
        raise NotPossible(
            f"{model.name!r} is the model of the workflow {model.workflow!r}: what it serves and was judged against"
            f" stands in its versions, and it is not deleted"
        )
    for rule in model.rules.all:
        command.because.must_satisfy(rule, f"deleting {model.name!r}" + (", which has rules," if rule else ""))
    for alias in model.named:
        aliases.carry_out(await uow.models.require(model.key), alias, None, command.because, uow)
    for version in await uow.live_versions(model.key):
        uow.versions.save(replace(version, deleted=True, updated_at=uow.now))
    remember(uow, command.because, model.key, What.DELETED)
    model = await uow.models.require(model.key)
    return _saved(replace(model, deleted=True, updated_at=uow.now), command.because, uow)


async def set_rules(command: SetRules, uow: RegistryUnitOfWork) -> RegisteredModel:
    """Raises NotThere, NotPossible, NotAllowed."""
    model = await uow.live_model(command.key)
    if model.workflow is not None:
        raise NotPossible(
            f"{model.name!r} is the model of the workflow {model.workflow!r}: its rules stand in workflow.yaml, under"
            f" `promotion`"
        )
    command.because.must_hold(APPROVER, f"changing the rules of {model.name!r}")
    remember(
        uow, command.because, model.key, What.RULES, before=str(model.rules.aliases), after=str(command.rules.aliases)
    )
    return _saved(replace(model, rules=command.rules, updated_at=uow.now), command.because, uow)


def _saved(model: RegisteredModel, because: Because, uow: RegistryUnitOfWork) -> RegisteredModel:
    uow.models.save(model)
    uow.publish(_changed(model, because))
    return model


def _changed(
    model: RegisteredModel, because: Because, *, renamed_from: str | None = None, renamed_to: str | None = None
) -> ModelChanged:
    return ModelChanged(
        model=model.key,
        workspace=model.workspace,
        name=model.name,
        description=model.description,
        tags=dict(model.tags),
        deleted=model.deleted,
        renamed_from=renamed_from,
        renamed_to=renamed_to,
        by=because.by,
        reason=because.reason,
        via=because.via.value,
    )
