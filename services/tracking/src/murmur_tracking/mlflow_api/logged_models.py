"""MLflow's calls about logged models."""

from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import Call, Endpoint
from murmur_mlflow.fields import Fields
from murmur_mlflow.names import LONGEST_KEY
from murmur_mlflow.refusals import BadValue
from murmur_tracking import logged_models
from murmur_tracking.domain.logged_models import LoggedModel, ModelStatus
from murmur_tracking.logged_models import ChangeModel, CreateModel, ModelOf
from murmur_tracking.mlflow_api.experiments import experiment_of
from murmur_tracking.mlflow_api.keys import LONGEST_PARAMETER, LONGEST_TAG
from murmur_tracking.mlflow_api.model_shapes import model_shape
from murmur_tracking.mlflow_api.shapes import Json
from murmur_tracking.repository import TrackingUnitOfWork

_STATUSES: dict[str, ModelStatus] = {
    "LOGGED_MODEL_PENDING": "pending",
    "LOGGED_MODEL_READY": "ready",
    "LOGGED_MODEL_UPLOAD_FAILED": "failed",
    "1": "pending",
    "2": "ready",
    "3": "failed",
}
_NOT_IN_NAMES = ("/", ":", ".", "%", '"', "'")


class LoggedModelCalls:
    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        one = "/logged-models/{model_id}"
        return (
            Endpoint(("POST",), "/logged-models", Role.AUTHOR, self.create),
            Endpoint(("GET",), one, Role.VIEWER, self.show),
            Endpoint(("PATCH",), one, Role.AUTHOR, self.finalize),
            Endpoint(("DELETE",), one, Role.AUTHOR, self.delete),
            Endpoint(("PATCH",), f"{one}/tags", Role.AUTHOR, self.set_tags),
            Endpoint(("DELETE",), f"{one}/tags/{{key:path}}", Role.AUTHOR, self.delete_tag),
            Endpoint(("POST",), f"{one}/params", Role.AUTHOR, self.log_parameters),
        )

    async def create(self, call: Call) -> Json:
        fields = call.fields
        command = CreateModel(
            experiment=experiment_of(call, fields.required("experiment_id")),
            name=_name(fields),
            model_type=fields.text("model_type"),
            source_run=fields.text("source_run_id"),
            parameters=dict(fields.each("params", _parameter)),
            tags=dict(fields.each("tags", _tag)),
        )
        return {"model": model_shape(await self._service.change(logged_models.create, command, answer=LoggedModel))}

    async def show(self, call: Call) -> Json:
        deleted_too = call.fields.boolean("allow_deleted")
        found = await self._service.read(logged_models.show, (_which(call), deleted_too))
        return {"model": model_shape(found.model, found.measured)}

    async def finalize(self, call: Call) -> Json:
        said = call.fields.get("status")
        if said is None:
            raise call.fields.missing("status")
        if str(said) not in _STATUSES:
            raise call.fields.wrong("status", said)
        await self._change(ChangeModel(model=_which(call), status=_STATUSES[str(said)]))
        return await self.show(call)

    async def delete(self, call: Call) -> Json:
        await self._service.change(logged_models.delete, _which(call), answer=type(None))
        return {}

    async def set_tags(self, call: Call) -> Json:
        return await self._change(ChangeModel(model=_which(call), tags=dict(call.fields.each("tags", _tag))))

    async def delete_tag(self, call: Call) -> Json:
        return await self._change(ChangeModel(model=_which(call), removed_tag=call.path["key"]))

    async def log_parameters(self, call: Call) -> Json:
        parameters = dict(call.fields.each("params", _parameter))
        return await self._change(ChangeModel(model=_which(call), parameters=parameters))

    async def _change(self, command: ChangeModel) -> Json:
        await self._service.change(logged_models.change, command, answer=LoggedModel)
        return {}


def _which(call: Call) -> ModelOf:
    return ModelOf(call.workspace, call.path["model_id"])


def _name(fields: Fields) -> str | None:
    name = fields.optional("name")
    if name is not None and any(sign in name for sign in _NOT_IN_NAMES):
        raise BadValue(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and cannot contain the"
            f" following characters: {_NOT_IN_NAMES}"
        )
    fields.within("name", 500)
    return name or None


def _parameter(fields: Fields) -> tuple[str, str]:
    key = fields.required("key")
    fields.within("key", LONGEST_KEY)
    return key, fields.text("value")[:LONGEST_PARAMETER]


def _tag(fields: Fields) -> tuple[str, str]:
    key = fields.required("key")
    fields.within("key", LONGEST_KEY)
    return key, fields.text("value")[:LONGEST_TAG]
