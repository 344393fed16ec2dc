"""MLflow's calls about experiments."""

from typing import Any

from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import Call, Endpoint
from murmur_mlflow.fields import Fields
from murmur_mlflow.pages import page_size, slice_page
from murmur_mlflow.refusals import BadValue
from murmur_search import EXPERIMENTS, parse_filter, parse_order
from murmur_search.evaluate import Entity, evaluate, ordered
from murmur_tracking import experiments
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.experiments import CreateExperiment, ExperimentOf, Rename, Tag
from murmur_tracking.mlflow_api.keys import LONGEST_EXPERIMENT_TAG, checked_key
from murmur_tracking.mlflow_api.shapes import Json, experiment_shape
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search.entries import millis

_LONGEST_NAME = 500
_LONGEST_LOCATION = 2048
_LARGEST_PAGE = 50_000
_VIEWS = {"ACTIVE_ONLY": False, "DELETED_ONLY": True, "ALL": None, "1": False, "2": True, "3": None}


class ExperimentCalls:
    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        post, get = ("POST",), ("GET",)
        return (
            Endpoint(post, "/experiments/create", Role.AUTHOR, self.create),
            Endpoint(get, "/experiments/get", Role.VIEWER, self.show),
            Endpoint(get, "/experiments/get-by-name", Role.VIEWER, self.show_named),
            Endpoint(post, "/experiments/delete", Role.AUTHOR, self.delete),
            Endpoint(post, "/experiments/restore", Role.AUTHOR, self.restore),
            Endpoint(post, "/experiments/update", Role.AUTHOR, self.rename),
            Endpoint(("GET", "POST"), "/experiments/search", Role.VIEWER, self.search),
            Endpoint(post, "/experiments/set-experiment-tag", Role.AUTHOR, self.set_tag),
            Endpoint(post, "/experiments/delete-experiment-tag", Role.AUTHOR, self.delete_tag),
        )

    async def create(self, call: Call) -> Json:
        fields = call.fields
        name = fields.required("name")
        fields.within("name", _LONGEST_NAME)
        command = CreateExperiment(
            workspace=call.workspace,
            name=name,
            artifact_location=_location(fields.optional("artifact_location")),
            tags=dict(fields.each("tags", _pair)),
        )
        return {"experiment_id": await self._service.change(experiments.create, command, answer=str)}

    async def show(self, call: Call) -> Json:
        found = await self._service.read(experiments.require, _which(call))
        return {"experiment": experiment_shape(found)}

    async def show_named(self, call: Call) -> Json:
        which = call.workspace, call.fields.required("experiment_name")
        return {"experiment": experiment_shape(await self._service.read(experiments.named, which))}

    async def delete(self, call: Call) -> Json:
        await self._service.change(experiments.delete, _which(call), answer=type(None))
        return {}

    async def restore(self, call: Call) -> Json:
        await self._service.change(experiments.restore, _which(call), answer=type(None))
        return {}

    async def rename(self, call: Call) -> Json:
        which = _which(call)
        name = call.fields.required("new_name")
        call.fields.within("new_name", _LONGEST_NAME)
        await self._service.change(experiments.rename, Rename(which, name), answer=type(None))
        return {}

    async def set_tag(self, call: Call) -> Json:
        which = _which(call)
        key = checked_key(call.fields, "key")
        call.fields.within("value", LONGEST_EXPERIMENT_TAG)
        await self._service.change(experiments.tag, Tag(which, key, call.fields.text("value")), answer=type(None))
        return {}

    async def delete_tag(self, call: Call) -> Json:
        command = Tag(_which(call), call.fields.required("key"), None)
        await self._service.change(experiments.tag, command, answer=type(None))
        return {}

    async def search(self, call: Call) -> Json:
        """Experiments are few: all of a workspace are looked at."""
        fields = call.fields
        limit = page_size(fields, default=0, largest=_LARGEST_PAGE)
        wanted = parse_filter(fields.text("filter"), EXPERIMENTS)
        orders = parse_order(fields.texts("order_by"), EXPERIMENTS)
        view = view_of(fields, "view_type")
        found = [
            one
            for one in await self._service.read(experiments.all_of, call.workspace)
            if view in (None, one.deleted) and evaluate(wanted, _entity(one))
        ]
        page, more = slice_page(ordered(found, orders, EXPERIMENTS, _entity), limit, fields.text("page_token"))
        return {"experiments": [experiment_shape(one) for one in page], **more}


def _which(call: Call) -> ExperimentOf:
    return experiment_of(call, call.fields.required("experiment_id"))


def experiment_of(call: Call, shown: str) -> ExperimentOf:
    """Raises BadValue for what cannot be an id."""
    if not shown.isdecimal():
        raise BadValue(f"Invalid experiment ID '{shown}'. Experiment ID must be a valid integer.")
    return ExperimentOf(call.workspace, shown)


def view_of(fields: Fields, name: str) -> bool | None:
    """False: what is active, True: what is in the bin, None: both."""
    said = str(fields.get(name) or "ACTIVE_ONLY")
    if said not in _VIEWS:
        raise fields.wrong(name, fields.get(name))
    return _VIEWS[said]


def _location(said: str | None) -> str | None:
    if not said:
        return None
    if said.startswith("runs:"):
        raise BadValue(f"Artifact location cannot be a runs:/ URI. Given: '{said}'")
    if len(said) > _LONGEST_LOCATION:
        raise BadValue(
            f"Invalid artifact path length. The length of the artifact path cannot be greater than {_LONGEST_LOCATION}"
            f" characters; this one has {len(said)}"
        )
    return said


def _pair(fields: Fields) -> tuple[str, str]:
    key = checked_key(fields, "key")
    fields.within("value", LONGEST_EXPERIMENT_TAG)
    return key, fields.text("value")


def _entity(one: Experiment) -> Entity:
    attributes: dict[str, Any] = {
        "name": one.name,
        "experiment_id": workspaces.shown(one.id),
        "creation_time": millis(one.created_at),
        "last_update_time": millis(one.updated_at),
    }
    return Entity(attributes=attributes, tags=one.tags)
