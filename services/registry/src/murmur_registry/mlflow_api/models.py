"""Registered models: `…/registered-models/…`."""

from murmur_mlflow.door import Json
from murmur_registry.cataloguing import (
    DeleteModel,
    DescribeModel,
    MakeModel,
    RenameModel,
    TagModel,
    delete_model,
    describe_model,
    make_model,
    rename_model,
    tag_model,
)
from murmur_registry.domain.models import model_key
from murmur_registry.domain.names import check_model_name
from murmur_registry.domain.stages import Stage, stage_named
from murmur_registry.mlflow_api.answers import latest_of_each_stage, model_answer, version_answer
from murmur_registry.mlflow_api.calls import Call, Desk
from murmur_registry.repository import RegistryUnitOfWork


async def create(desk: Desk, call: Call) -> Json:
    fields = call.fields
    command = MakeModel(
        workspace=call.workspace,
        name=fields.required("name"),
        tags=call.tags(),
        description=fields.text("description"),
        because=call.because,
    )
    key = model_key(command.workspace, command.name)
    return await desk.change(key, make_model, command, lambda model: {"registered_model": model_answer(model, ())})


async def get(desk: Desk, call: Call) -> Json:
    check_model_name(call.fields.required("name"))
    return {"registered_model": await desk.read(show, call.model())}


async def update(desk: Desk, call: Call) -> Json:
    key = call.model()
    description = call.fields.text("description")
    await desk.change(key, describe_model, DescribeModel(key=key, description=description, because=call.because))
    return {"registered_model": await desk.read(show, key)}


async def rename(desk: Desk, call: Call) -> Json:
    key, new_name = call.model(), call.fields.required("new_name")
    await desk.change(key, rename_model, RenameModel(key=key, new_name=new_name, because=call.because))
    return {"registered_model": await desk.read(show, model_key(call.workspace, new_name))}


async def delete(desk: Desk, call: Call) -> Json:
    key = call.model()
    return await desk.change(key, delete_model, DeleteModel(key=key, because=call.because))


async def set_tag(desk: Desk, call: Call) -> Json:
    key, tag = call.model(), call.fields.required("key")
    value = call.fields.text("value")
    return await desk.change(key, tag_model, TagModel(key=key, tag=tag, value=value, because=call.because))


async def delete_tag(desk: Desk, call: Call) -> Json:
    key, tag = call.model(), call.fields.required("key")
    return await desk.change(key, tag_model, TagModel(key=key, tag=tag, value=None, because=call.because))


async def latest_versions(desk: Desk, call: Call) -> Json:
    """Of the stages asked for, or of all of them."""
    stages = {stage_named(stage) for stage in call.fields.texts("stages")} or set(Stage)

    async def latest(key: str, uow: RegistryUnitOfWork) -> list[Json]:
        model = await uow.live_model(key)
        found = latest_of_each_stage(await uow.live_versions(key))
        return [
            version_answer(version, model.aliases_of(version.version))
            for stage, version in found.items()
            if stage in stages
        ]

    versions = await desk.read(latest, call.model())
    return {"model_versions": versions} if versions else {}


async def show(key: str, uow: RegistryUnitOfWork) -> Json:
    """Raises NotThere."""
    model = await uow.live_model(key)
    return model_answer(model, latest_of_each_stage(await uow.live_versions(key)).values())
