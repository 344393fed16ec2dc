"""Model versions: `…/model-versions/…`."""

from murmur_kernel.auth import caller
from murmur_registry.domain.models import RegisteredModel
from murmur_registry.domain.stages import stage_named
from murmur_registry.mlflow_api.answers import version_answer
from murmur_registry.mlflow_api.calls import Call, Desk, Json
from murmur_registry.pointing import MoveStage
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument
from murmur_registry.sources import download_uri
from murmur_registry.versioning import (
    DeleteVersion,
    DescribeVersion,
    MakeVersion,
    TagVersion,
    delete_version,
    describe_version,
    make_version,
    tag_version,
)

Pair = tuple[VersionDocument, RegisteredModel]


async def create(desk: Desk, call: Call) -> Json:
    fields = call.fields
    key = fields.model()
    person = caller.get().person
    command = MakeVersion(
        key=key,
        source=fields.text("source"),
        run_id=fields.optional_text("run_id"),
        tags=fields.tags(),
        run_link=fields.optional_text("run_link"),
        description=fields.optional_text("description") or "",
        logged_model=fields.optional_text("model_id"),
        user=person.subject if person else None,
        because=call.because,
    )
    return await desk.change(key, make_version, command, _answer)


async def get(desk: Desk, call: Call) -> Json:
    call.fields.text("name"), call.fields.text("version")
    return _answer(await desk.read(_pair, (call.fields.model(), call.fields.version())))


async def update(desk: Desk, call: Call) -> Json:
    key, version = call.fields.model(), call.fields.version()
    description = call.fields.optional_text("description") or ""
    command = DescribeVersion(key=key, version=version, description=description, because=call.because)
    return await desk.change(key, describe_version, command, _answer)


async def delete(desk: Desk, call: Call) -> Json:
    key, version = call.fields.model(), call.fields.version()
    return await desk.change(key, delete_version, DeleteVersion(key=key, version=version, because=call.because))


async def transition_stage(desk: Desk, call: Call) -> Json:
    fields = call.fields
    command = MoveStage(
        key=fields.model(),
        version=fields.version(),
        stage=stage_named(fields.text("stage")),
        archive=fields.flag("archive_existing_versions"),
        because=call.because,
    )
    return await desk.change(command.key, desk.pointing.move_stage, command, _answer)


async def set_tag(desk: Desk, call: Call) -> Json:
    key, version, tag = call.fields.model(), call.fields.version(), call.fields.text("key")
    value = call.fields.optional_text("value") or ""
    command = TagVersion(key=key, version=version, tag=tag, value=value, because=call.because)
    return await desk.change(key, tag_version, command)


async def delete_tag(desk: Desk, call: Call) -> Json:
    key, version, tag = call.fields.model(), call.fields.version(), call.fields.text("key")
    command = TagVersion(key=key, version=version, tag=tag, value=None, because=call.because)
    return await desk.change(key, tag_version, command)


async def get_download_uri(desk: Desk, call: Call) -> Json:
    version, _ = await desk.read(_pair, (call.fields.model(), call.fields.version()))
    return {"artifact_uri": download_uri(version)}


async def _pair(named: tuple[str, int], uow: RegistryUnitOfWork) -> Pair:
    """Raises NotThere: of a model that is not there, its version is what was asked for."""
    version = await uow.live_version(*named)
    return version, await uow.live_model(named[0])


def _answer(pair: Pair) -> Json:
    version, model = pair
    return {"model_version": version_answer(version, model.aliases_of(version.version))}
