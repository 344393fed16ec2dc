"""Versions by hand: made of any source, described, tagged and deleted, whichever door asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from murmur_registry import aliases
from murmur_registry.domain.because import Because
from murmur_registry.domain.memory import What
from murmur_registry.domain.models import RegisteredModel
from murmur_registry.domain.names import check_tag_key, check_tags, check_text
from murmur_registry.domain.refusals import NotPossible, Taken
from murmur_registry.domain.stages import stage_of
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.remembering import remember
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, version_id
from murmur_registry.sources import Sources
from murmur_registry.telling import say_version


@dataclass(frozen=True, kw_only=True)
class MakeVersion:
    """`source` may name another version (`models:/name/3`, `models:/name@alias`): then what that one has is taken
    over, where the command does not say otherwise.

    number: of a version that had it elsewhere; None for the next one
    """

    key: str
    source: str
    because: Because
    run_id: str | None = None
    run_link: str | None = None
    logged_model: str | None = None
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class DescribeVersion:
    key: str
    version: int
    description: str
    because: Because


@dataclass(frozen=True, kw_only=True)
class TagVersion:
    """`value` None takes the tag away."""

    key: str
    version: int
    tag: str
    value: str | None
    because: Because


@dataclass(frozen=True, kw_only=True)
class DeleteVersion:
    key: str
    version: int
    because: Because


async def make_version(command: MakeVersion, uow: RegistryUnitOfWork) -> tuple[VersionDocument, RegisteredModel]:
    """Raises Invalid, NotThere; with a number Taken, NotPossible."""
    check_tags(command.tags)
    check_text("description", command.description)
    check_text("source", command.source)
    check_text("run_link", command.run_link)
    model = await uow.live_model(command.key)
    number = model.versions + 1 if command.number is None else await _free(model, command.number, uow)
    model = model.numbered(uow.now, number)
    if (rule := next(filter(None, map(model.rules.guarding_tag, command.tags)), None)) is not None:
        command.because.must_satisfy(rule, f"a tag that a rule of {model.name!r} asks for")
    found = await Sources(uow).of(command, model.workspace)
    version = VersionDocument(
        model=model.key,
        version=number,
        created_at=uow.now,
        updated_at=uow.now,
        source=found.source,
        storage=found.storage,
        run_id=found.run_id,
        run_link=command.run_link,
        logged_model=found.logged_model,
        description=command.description,
        tags=dict(command.tags),
        user=command.user,
    )
    facts = {"source": version.source, "run_id": version.run_id, "run_link": version.run_link, "user": version.user}
    remember(
        uow,
        command.because,
        model.key,
        What.MADE,
        version=version.version,
        after=version.description or None,
        facts={name: text for name, text in facts.items() if text},
    )
    for tag, value in version.tags.items():
        remember(uow, command.because, model.key, What.TAG, version=version.version, name=tag, after=value)
    uow.models.save(model)
    say_version(version, command.because, uow)
    return version, model


async def _free(model: RegisteredModel, number: int, uow: RegistryUnitOfWork) -> int:
    """The number, if no version has or had it; a model of this name that is gone since is another one.

    Raises Taken, NotPossible.
    """
    if model.workflow is not None:
        raise NotPossible(f"{model.name!r} is the model of the workflow {model.workflow!r}, whose runs number it")
    taken = await uow.versions.get(version_id(model.key, number))
    is_of_a_former_one = taken is not None and taken.created_at < model.created_at
    if taken is not None and not is_of_a_former_one:
        raise Taken(
            f"Model Version (name={model.name}, version={number}) is there, or was and is deleted: numbers are"
            f" not used twice"
        )
    return number


async def describe_version(
    command: DescribeVersion, uow: RegistryUnitOfWork
) -> tuple[VersionDocument, RegisteredModel]:
    """Raises Invalid, NotThere."""
    check_text("description", command.description)
    model = await uow.live_model(command.key)
    version = await uow.live_version(command.key, command.version)
    remember(
        uow,
        command.because,
        model.key,
        What.DESCRIBED,
        version=version.version,
        before=version.description or None,
        after=command.description,
    )
    version = replace(version, description=command.description, updated_at=uow.now)
    say_version(version, command.because, uow)
    return version, model


async def tag_version(command: TagVersion, uow: RegistryUnitOfWork) -> VersionDocument:
    """Nothing where it is so already. Raises Invalid, NotThere, NotAllowed where a rule asks for this tag."""
    if command.value is None:
        check_tag_key(command.tag)
    else:
        check_tags({command.tag: command.value})
    model = await uow.live_model(command.key)
    version = await uow.live_version(command.key, command.version)
    command.because.must_satisfy(
        model.rules.guarding_tag(command.tag), f"the tag {command.tag!r}, which a rule of {model.name!r} asks for,"
    )
    before = version.tags.get(command.tag)
    if before == command.value:
        return version
    remember(
        uow,
        command.because,
        model.key,
        What.TAG,
        version=version.version,
        name=command.tag,
        before=before,
        after=command.value,
    )
    tags = {key: value for key, value in version.tags.items() if key != command.tag}
    if command.value is not None:
        tags[command.tag] = command.value
    version = replace(version, tags=tags)
    say_version(version, command.because, uow)
    return version


async def delete_version(command: DeleteVersion, uow: RegistryUnitOfWork) -> None:
    """Aliases that named it name nobody. Raises NotThere, NotAllowed, NotPossible."""
    model = await uow.live_model(command.key)
    version = await uow.live_version(command.key, command.version)
    if version.workflow is not None and version.status not in (VersionStatus.ARCHIVED, VersionStatus.REJECTED):
        raise NotPossible(
            f"version {version.version} of {model.name!r} is {version.status} in its workflow: it is deleted when it is"
            f" archived or rejected"
        )
    for alias in model.aliases_of(version.version):
        command.because.must_satisfy(model.rules.of(alias), f"deleting what the alias {alias!r} names")
    for alias in model.aliases_of(version.version):
        aliases.point(await uow.models.require(model.key), alias, None, command.because, uow)
    model = await uow.models.require(model.key)
    uow.models.save(replace(model, updated_at=uow.now))
    remember(uow, command.because, model.key, What.DELETED, version=version.version, before=stage_of(version).value)
    say_version(replace(version, deleted=True, updated_at=uow.now), command.because, uow)
