"""MLflow's search for logged models: they are few, so all of the experiments asked for are looked at."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import Call, Endpoint
from murmur_mlflow.fields import Fields
from murmur_mlflow.pages import page_size, slice_page
from murmur_mlflow.refusals import BadValue
from murmur_search import LOGGED_MODELS, Field, Kind, Order, parse_filter
from murmur_search.evaluate import Entity, evaluate, ordered
from murmur_search.nodes import Value
from murmur_tracking import logged_models
from murmur_tracking.domain.logged_models import ModelMetric, latest
from murmur_tracking.logged_models import MeasuredModel
from murmur_tracking.mlflow_api.experiments import experiment_of
from murmur_tracking.mlflow_api.model_shapes import model_shape
from murmur_tracking.mlflow_api.shapes import Json
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search.entries import millis

_PAGE = 50
_LARGEST_PAGE = 50_000
_STATUSES = {"pending": "PENDING", "ready": "READY", "failed": "FAILED"}

_OF_TOKEN = {
    "experiment_ids": "Experiment IDs in the page token do not match the requested experiment IDs.",
    "filter": "Filter string in the page token does not match the requested filter string.",
    "datasets": "Datasets in the page token do not match the requested datasets.",
    "order_by": "Order by in the page token does not match the requested order by.",
}
"""What a token is bound to, and the complaint where that differs."""


@dataclass(frozen=True)
class OnDataset:
    """A data set that is meant. None: any."""

    name: str | None
    digest: str | None

    def is_of(self, metric: ModelMetric) -> bool:
        return self.name in (None, metric.dataset_name) and self.digest in (None, metric.dataset_digest)


@dataclass(frozen=True, kw_only=True)
class Measurements(Entity):
    """A model that has several values of a metric: a condition holds if one of them meets it."""

    all: Sequence[ModelMetric]

    def values(self, of: Field) -> list[Value]:
        if of.kind is Kind.METRIC:
            return [metric.last[2] for metric in self.all if metric.key == of.key]
        return super().values(of)


@dataclass(frozen=True)
class Ranking:
    """on: of each order by a metric, the data set on which it is meant."""

    orders: tuple[Order, ...]
    on: Mapping[str, tuple[str, OnDataset]]

    def entity(self, one: MeasuredModel) -> Entity:
        known = _metrics(one)
        metrics = {
            key: value
            for key, (name, dataset) in self.on.items()
            if (value := latest(metric for metric in known if dataset.is_of(metric)).get(name)) is not None
        }
        return Entity(attributes=_attributes(one), metrics=metrics)


class ModelSearchCalls:
    def __init__(self, service: Service[TrackingUnitOfWork]) -> None:
        self._service = service

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return (Endpoint(("POST",), "/logged-models/search", Role.VIEWER, self.search),)

    async def search(self, call: Call) -> Json:
        fields = call.fields
        shown = fields.texts("experiment_ids")
        if not shown:
            raise fields.missing("experiment_ids")
        wanted = parse_filter(fields.text("filter"), LOGGED_MODELS)
        datasets = fields.each("datasets", _dataset)
        ranking = _ranking(fields)
        limit = page_size(fields, default=_PAGE, largest=_LARGEST_PAGE) if fields.get("max_results") else _PAGE
        of = [experiment_of(call, one).id for one in shown]
        found = [
            one
            for one in await self._service.read(logged_models.all_of, (call.workspace, of))
            if (known := _on(datasets, one)) is not None
            and evaluate(
                wanted,
                Measurements(attributes=_attributes(one), params=one.model.parameters, tags=one.model.tags, all=known),
            )
        ]
        place = _place(fields)
        page, more = slice_page(ordered(found, ranking.orders, LOGGED_MODELS, ranking.entity), limit, place)
        models = [model_shape(one.model, one.measured) for one in page]
        if more:
            more = {"next_page_token": _token(fields, more["next_page_token"])}
        return {**({"models": models} if models else {}), **more}


def _metrics(one: MeasuredModel) -> list[ModelMetric]:
    return [metric for of_run in one.measured for metric in of_run.metrics]


def _on(datasets: Sequence[OnDataset], one: MeasuredModel) -> Sequence[ModelMetric] | None:
    """What was measured on one of the data sets; None where nothing was. No data set named: all that was measured."""
    known = _metrics(one)
    if not datasets:
        return known
    return [metric for metric in known if any(dataset.is_of(metric) for dataset in datasets)] or None


def _attributes(one: MeasuredModel) -> dict[str, Value | None]:
    model = one.model
    return {
        "name": model.name,
        "model_id": model.id,
        "model_type": model.model_type,
        "status": _STATUSES[model.status],
        "source_run_id": model.source_run,
        "creation_timestamp": millis(model.created_at),
        "last_updated_timestamp": millis(model.updated_at),
    }


def _dataset(fields: Fields) -> OnDataset:
    if not (name := fields.text("dataset_name")):
        raise BadValue("`dataset_name` in the `datasets` clause must be specified.")
    return OnDataset(name, fields.text("dataset_digest") or None)


def _ranking(fields: Fields) -> Ranking:
    orders: list[Order] = []
    on: dict[str, tuple[str, OnDataset]] = {}
    for said in fields.each("order_by", lambda each: each):
        written = said.required("field_name")
        descending = not said.boolean("ascending", default=True)
        kind, dot, name = written.partition(".")
        if not dot:
            if (known := LOGGED_MODELS.attribute_names.get(written)) is None:
                raise BadValue(f"Invalid order by field name: {written}")
            orders.append(Order(Field(Kind.ATTRIBUTE, known.name), descending))
        elif kind == "metrics":
            dataset = OnDataset(said.text("dataset_name") or None, said.text("dataset_digest") or None)
            key = f"{len(on)} {name}"
            on[key] = name, dataset
            orders.append(Order(Field(Kind.METRIC, key), descending))
        else:
            raise BadValue(f"Invalid order by field name: {written}. Only metrics are supported.")
    return Ranking(tuple(orders), on)


def _token(fields: Fields, place: str) -> str:
    return base64.b64encode(json.dumps({"place": place, **_bound(fields)}).encode()).decode()


def _place(fields: Fields) -> str:
    """Where the page before ended, "" at the start. Raises BadValue for the token of another search."""
    if not (token := fields.text("page_token")):
        return ""
    try:
        said = json.loads(base64.b64decode(token, validate=True))
        place = said["place"]
    except (ValueError, TypeError, KeyError):
        raise BadValue(
            f"Invalid page token: {token!r}: hand back what the page before gave as next_page_token"
        ) from None
    for name, wanted in _bound(fields).items():
        if said.get(name) != wanted:
            raise BadValue(f"{_OF_TOKEN[name]} Expected: {wanted}. Found: {said.get(name)}")
    return str(place)


def _bound(fields: Fields) -> dict[str, object]:
    return {name: fields.get(name) or None for name in _OF_TOKEN}
