"""MLflow's calls about runs and what they log."""

from murmur_events.runs import DatasetInput, ModelLink
from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import Call, Endpoint
from murmur_mlflow.fields import Fields
from murmur_mlflow.refusals import BadValue, NoSuchThing
from murmur_tracking import client_runs, experiments
from murmur_tracking.client_runs import CreateRun, LogToRun, RunOf, UpdateRun
from murmur_tracking.domain.client_runs import RUN_NAME, ClientStatus
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.runs import Run
from murmur_tracking.experiments import ExperimentOf
from murmur_tracking.mlflow_api.batches import (
    checked_batch,
    logged_model_tag,
    measured_of,
    point_of,
    points_of,
    subject_of,
)
from murmur_tracking.mlflow_api.experiments import experiment_of
from murmur_tracking.mlflow_api.keys import LONGEST_PARAMETER, LONGEST_TAG, checked_key
from murmur_tracking.mlflow_api.shapes import Json, info_shape, run_shape
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search.entries import row_of

_MOST_BYTES = 1_000_000
_STATUSES: dict[str, ClientStatus] = {
    "RUNNING": "RUNNING",
    "SCHEDULED": "SCHEDULED",
    "FINISHED": "FINISHED",
    "FAILED": "FAILED",
    "KILLED": "KILLED",
    "1": "RUNNING",
    "2": "SCHEDULED",
    "3": "FINISHED",
    "4": "FAILED",
    "5": "KILLED",
}


class RunCalls:
    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        post = ("POST",)
        return (
            Endpoint(post, "/runs/log-metric", Role.AUTHOR, self.log_metric),
            Endpoint(post, "/runs/log-batch", Role.AUTHOR, self.log_batch),
            Endpoint(post, "/runs/create", Role.AUTHOR, self.create),
            Endpoint(("GET",), "/runs/get", Role.VIEWER, self.show),
            Endpoint(post, "/runs/update", Role.AUTHOR, self.update),
            Endpoint(post, "/runs/delete", Role.AUTHOR, self.delete),
            Endpoint(post, "/runs/restore", Role.AUTHOR, self.restore),
            Endpoint(post, "/runs/log-parameter", Role.AUTHOR, self.log_parameter),
            Endpoint(post, "/runs/set-tag", Role.AUTHOR, self.set_tag),
            Endpoint(post, "/runs/delete-tag", Role.AUTHOR, self.delete_tag),
            Endpoint(post, "/runs/log-model", Role.AUTHOR, self.log_model),
            Endpoint(post, "/runs/log-inputs", Role.AUTHOR, self.log_inputs),
            Endpoint(post, "/runs/outputs", Role.AUTHOR, self.log_outputs),
        )

    async def create(self, call: Call) -> Json:
        fields = call.fields
        experiment = experiment_of(call, fields.text("experiment_id") or "0")
        tags = dict(fields.each("tags", _tag))
        name = fields.text("run_name")
        if name and tags.get(RUN_NAME, name) != name:
            raise BadValue(
                f"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values"
                f" (run_name='{name}', mlflow.runName='{tags[RUN_NAME]}')."
            )
        command = CreateRun(
            experiment=experiment,
            started=fields.integer("start_time", 0),
            user=fields.text("user_id"),
            name=name or None,
            tags=tags,
        )
        return {"run": run_shape(await self._service.change(client_runs.create, command, answer=Run))}

    async def show(self, call: Call) -> Json:
        run = await self._service.read(client_runs.require, _which(call))
        return {"run": run_shape(run, await self._experiment(call, run))}

    async def update(self, call: Call) -> Json:
        fields = call.fields
        which, said = _which(call), fields.get("status")
        if said is not None and str(said) not in _STATUSES:
            raise fields.wrong("status", said)
        command = UpdateRun(
            run=which,
            status=None if said is None else _STATUSES[str(said)],
            ended=None if fields.get("end_time") is None else fields.integer("end_time"),
            name=fields.text("run_name") or None,
        )
        run = await self._service.change(client_runs.update, command, answer=Run)
        return {"run_info": info_shape(row_of(run))}

    async def delete(self, call: Call) -> Json:
        await self._service.change(client_runs.move, (_which(call), True), answer=type(None))
        return {}

    async def restore(self, call: Call) -> Json:
        await self._service.change(client_runs.move, (_which(call), False), answer=type(None))
        return {}

    async def log_metric(self, call: Call) -> Json:
        which, fields = _which(call), call.fields
        key = checked_key(fields, "Metric name", "name")
        value, time, step = point_of(fields, key)
        point = key, value, time, step
        measured = measured_of([point], [(point, subject_of(fields))])
        return await self._log(LogToRun(run=which, points=points_of([point]), measured=measured))

    async def log_parameter(self, call: Call) -> Json:
        which = _which(call)
        key = checked_key(call.fields, "Param key")
        return await self._log(LogToRun(run=which, parameters={key: call.fields.text("value")[:LONGEST_PARAMETER]}))

    async def set_tag(self, call: Call) -> Json:
        which = _which(call)
        key, value = _tag(call.fields)
        return await self._log(LogToRun(run=which, tags={key: value}))

    async def delete_tag(self, call: Call) -> Json:
        which, key = _which(call), call.fields.required("key")
        run = await self._service.read(client_runs.require_active, which)
        if key not in row_of(run).tags:
            raise NoSuchThing(f"No tag with name: {key} in run with id {which.run_id}")
        return await self._log(LogToRun(run=which, removed_tags=(key,)))

    async def log_batch(self, call: Call) -> Json:
        which = _which(call)
        if call.size > _MOST_BYTES:
            raise BadValue(
                f"Batched logging API requests must be at most {_MOST_BYTES} bytes, got a request of size {call.size}."
            )
        points, measured, parameters, tags = checked_batch(call.fields)
        command = LogToRun(run=which, points=points, measured=measured, parameters=parameters, tags=tags)
        return await self._log(command)

    async def log_model(self, call: Call) -> Json:
        which = _which(call)
        run = await self._service.read(client_runs.require_active, which)
        tag = logged_model_tag(row_of(run).tags, call.fields.required("model_json"))
        return await self._log(LogToRun(run=which, tags=tag))

    async def log_inputs(self, call: Call) -> Json:
        which = _which(call)
        if not call.fields.get("datasets") and not call.fields.get("models"):
            await self._service.read(client_runs.require_active, which)
            raise call.fields.missing("datasets")
        datasets = tuple(call.fields.each("datasets", _dataset))
        models = tuple(ModelLink(model_id=one) for one in call.fields.each("models", _model))
        return await self._log(LogToRun(run=which, datasets=datasets, models_read=models))

    async def log_outputs(self, call: Call) -> Json:
        which = _which(call)

        def link(fields: Fields) -> ModelLink:
            return ModelLink(model_id=fields.required("model_id"), step=fields.integer("step", 0))

        return await self._log(LogToRun(run=which, models_written=tuple(call.fields.each("models", link))))

    async def _log(self, command: LogToRun) -> Json:
        await self._service.change(client_runs.log_quietly, command, answer=type(None))
        return {}

    async def _experiment(self, call: Call, run: Run) -> Experiment:
        which = ExperimentOf(call.workspace, row_of(run).experiment)
        return await self._service.read(experiments.require, which)


def _which(call: Call) -> RunOf:
    run_id = call.fields.text("run_id") or call.fields.text("run_uuid")
    if not run_id:
        raise call.fields.missing("run_id")
    return RunOf(call.workspace, run_id)


def _tag(fields: Fields) -> tuple[str, str]:
    return checked_key(fields, fields.place_of("key")), fields.text("value")[:LONGEST_TAG]


def _model(fields: Fields) -> str:
    return fields.required("model_id")


def _dataset(fields: Fields) -> DatasetInput:
    """Limits are MLflow's."""
    said = fields.inner("dataset")
    for name, length in (("name", 500), ("digest", 36), ("source", 65_535), ("schema", 1_048_575), ("profile", 2**24)):
        said.within(name, length, name)
    tags = fields.each("tags", lambda tag: (tag.text("key"), tag.text("value")))
    return DatasetInput(
        name=said.text("name"),
        digest=said.text("digest"),
        source_type=said.text("source_type"),
        source=said.text("source"),
        schema_text=said.optional("schema"),
        profile=said.optional("profile"),
        tags=dict(tags),
    )
