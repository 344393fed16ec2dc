"""Aliases: `…/registered-models/alias`."""

from murmur_mlflow.door import Json
from murmur_registry.domain.names import check_alias
from murmur_registry.domain.refusals import Invalid, NotThere
from murmur_registry.mlflow_api.answers import version_answer
from murmur_registry.mlflow_api.calls import Call, Desk
from murmur_registry.pointing import PointAlias
from murmur_registry.repository import RegistryUnitOfWork

LATEST = "latest"


async def set_alias(desk: Desk, call: Call) -> Json:
    key, alias, version = call.model(), call.fields.required("alias"), call.version()
    command = PointAlias(key=key, alias=alias, version=version, because=call.because)
    return await desk.change(key, desk.pointing.point_alias, command)


async def delete_alias(desk: Desk, call: Call) -> Json:
    key, alias = call.model(), call.fields.required("alias")
    command = PointAlias(key=key, alias=alias, version=None, because=call.because)
    return await desk.change(key, desk.pointing.point_alias, command)


async def get_by_alias(desk: Desk, call: Call) -> Json:
    key, alias = call.model(), call.fields.required("alias")
    check_alias(alias)
    return {"model_version": await desk.read(_named, (key, alias))}


async def _named(asked: tuple[str, str], uow: RegistryUnitOfWork) -> Json:
    """Raises NotThere, Invalid: the code that MLflow gives an alias that is not there."""
    key, alias = asked
    model = await uow.live_model(key)
    if alias.lower() == LATEST:
        version = max(await uow.live_versions(key), key=lambda one: one.version, default=None)
        if version is None:
            raise NotThere(f"Latest version not found for model {model.name}.")
    else:
        number = model.named_by(alias)
        if number is None:
            raise Invalid(f"Registered model alias {alias} not found.")
        version = await uow.live_version(key, number)
    return version_answer(version, model.aliases_of(version.version))
