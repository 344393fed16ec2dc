"""Model versions: `…/model-versions/…`."""

import structlog

from murmur_kernel.auth import caller
from murmur_mlflow.door import Json
from murmur_registry.domain.models import RegisteredModel
from murmur_registry.domain.refusals import NotThere
from murmur_registry.domain.stages import stage_named
from murmur_registry.listening import Registered, see_registered
from murmur_registry.mlflow_api.answers import version_answer
from murmur_registry.mlflow_api.calls import Call, Desk
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

log = structlog.get_logger()

Pair = tuple[VersionDocument, RegisteredModel]


async def create(desk: Desk, call: Call) -> Json:
    fields = call.fields
    key = call.model()
    person = caller.get().person
    command = MakeVersion(
        key=key,
        source=fields.required("source"),
        run_id=fields.optional("run_id"),
        tags=call.tags(),
        run_link=fields.optional("run_link"),
        description=fields.text("description"),
        logged_model=fields.optional("model_id"),
        user=person.subject if person else None,
        because=call.because,
    )

    async def make() -> Json:
        return await desk.change(key, make_version, command, _answer)

    made = await desk.hearing.once_heard(make)
    await _until_noted(desk, call, made["model_version"])
    return made


async def _until_noted(desk: Desk, call: Call, version: Json) -> None:
    """Until tracking says the same of the logged model that it is made of: a client may ask there at once."""
    if (logged := version.get("model_id")) is None:
        return
    query = Registered(call.workspace, logged, version["name"], int(version["version"]))
    try:
        await desk.hearing.once_heard(lambda: desk.read(see_registered, query))
    except NotThere:
        log.warning("logged model does not tell of a version yet", logged_model=logged, model=version["name"])


async def get(desk: Desk, call: Call) -> Json:
    call.fields.required("name"), call.fields.required("version")
    return _answer(await desk.read(_pair, (call.model(), call.version())))


async def update(desk: Desk, call: Call) -> Json:
    key, version = call.model(), call.version()
    description = call.fields.text("description")
    command = DescribeVersion(key=key, version=version, description=description, because=call.because)
    return await desk.change(key, describe_version, command, _answer)


async def delete(desk: Desk, call: Call) -> Json:
    key, version = call.model(), call.version()
    return await desk.change(key, delete_version, DeleteVersion(key=key, version=version, because=call.because))


async def transition_stage(desk: Desk, call: Call) -> Json:
    fields = call.fields
    command = MoveStage(
        key=call.model(),
        version=call.version(),
        stage=stage_named(fields.required("stage")),
        archive=fields.boolean("archive_existing_versions"),
        because=call.because,
    )
    return await desk.change(command.key, desk.pointing.move_stage, command, _answer)


async def set_tag(desk: Desk, call: Call) -> Json:
    key, version, tag = call.model(), call.version(), call.fields.required("key")
    value = call.fields.text("value")
    command = TagVersion(key=key, version=version, tag=tag, value=value, because=call.because)
    return await desk.change(key, tag_version, command)


async def delete_tag(desk: Desk, call: Call) -> Json:
    key, version, tag = call.model(), call.version(), call.fields.required("key")
    command = TagVersion(key=key, version=version, tag=tag, value=None, because=call.because)
    return await desk.change(key, tag_version, command)


async def get_download_uri(desk: Desk, call: Call) -> Json:
    version, _ = await desk.read(_pair, (call.model(), call.version()))
    return {"artifact_uri": download_uri(version)}


async def _pair(named: tuple[str, int], uow: RegistryUnitOfWork) -> Pair:
    """Raises NotThere: of a model that is not there, its version is what was asked for."""
    version = await uow.live_version(*named)
    return version, await uow.live_model(named[0])


def _answer(pair: Pair) -> Json:
    version, model = pair
    return {"model_version": version_answer(version, model.aliases_of(version.version))}
