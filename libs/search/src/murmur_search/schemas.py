"""The things that Murmuration searches. Names and aliases are those of MLflow's protocol."""

from murmur_search.nodes import Field, Kind, Order
from murmur_search.schema import Attribute, Schema, Type

_PREFIXES = {
    Kind.METRIC: ("metrics", "metric"),
    Kind.PARAM: ("params", "param", "parameters", "parameter"),
    Kind.TAG: ("tags", "tag"),
    Kind.ATTRIBUTE: ("attributes", "attribute", "attr", "run"),
    Kind.DATASET: ("datasets", "dataset"),
}
_OF_THE_REGISTRY = {Kind.TAG: ("tags", "tag"), Kind.ATTRIBUTE: ("attribute", "attributes")}
_OWN_AND_TAGS = (Kind.ATTRIBUTE, Kind.TAG)
_STATES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


def _own(key: str, *, descending: bool = False) -> Order:
    return Order(Field(Kind.ATTRIBUTE, key), descending)


def _number(name: str, *aliases: str, searchable: bool = True) -> Attribute:
    return Attribute(name, Type.NUMBER, aliases, searchable=searchable)


_LATEST_RUN = (_own("start_time", descending=True), _own("run_id"))
_LATEST_LOGGED_MODEL = (_own("creation_timestamp", descending=True), _own("model_id"))

RUNS = Schema(
    name="run",
    attributes=(
        Attribute("run_id"),
        Attribute("run_name", aliases=("run name", "Run name", "Run Name")),
        Attribute("user_id"),
        Attribute("status", values=_STATES),
        _number("start_time", "created", "Created"),
        _number("end_time"),
        Attribute("artifact_uri"),
    ),
    kinds=(Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.ATTRIBUTE, Kind.DATASET),
    prefixes=_PREFIXES,
    datasets=("name", "digest", "context"),
    text=True,
    default_order=_LATEST_RUN,
    ties=_LATEST_RUN,
    ordered_kinds=(Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.ATTRIBUTE),
)

EXPERIMENTS = Schema(
    name="experiment",
    attributes=(
        Attribute("name"),
        Attribute("experiment_id", digits=True),
        _number("creation_time"),
        _number("last_update_time"),
    ),
    kinds=_OWN_AND_TAGS,
    prefixes=_OF_THE_REGISTRY,
    default_order=(_own("creation_time", descending=True), _own("experiment_id")),
    ties=(_own("experiment_id", descending=True),),
    ordered_kinds=(Kind.ATTRIBUTE,),
)

LOGGED_MODELS = Schema(
    name="logged model",
    attributes=(
        Attribute("name"),
        Attribute("model_id"),
        Attribute("model_type"),
        Attribute("status", values=("PENDING", "READY", "FAILED")),
        Attribute("source_run_id"),
        _number("creation_timestamp", "creation_time", "creation_timestamp_ms"),
        _number("last_updated_timestamp", "last_updated_time", "last_updated_timestamp_ms"),
    ),
    kinds=(Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.ATTRIBUTE),
    prefixes=_PREFIXES,
    unknown_kind="Invalid entity type:",
    default_order=_LATEST_LOGGED_MODEL,
    ties=_LATEST_LOGGED_MODEL,
    ordered_kinds=(Kind.METRIC, Kind.ATTRIBUTE),
)

REGISTERED_MODELS = Schema(
    name="registered model",
    attributes=(
        Attribute("name"),
        _number("creation_timestamp", searchable=False),
        _number("last_updated_timestamp", "timestamp", searchable=False),
    ),
    kinds=_OWN_AND_TAGS,
    prefixes=_OF_THE_REGISTRY,
    default_order=(_own("name"),),
    ties=(_own("name"),),
    ordered_kinds=(Kind.ATTRIBUTE,),
)

MODEL_VERSIONS = Schema(
    name="model version",
    attributes=(
        Attribute("name"),
        _number("version_number"),
        Attribute("run_id", orderable=False),
        Attribute("source_path", orderable=False),
        _number("creation_timestamp", searchable=False),
        _number("last_updated_timestamp", searchable=False),
    ),
    kinds=_OWN_AND_TAGS,
    prefixes=_OF_THE_REGISTRY,
    default_order=(
        _own("last_updated_timestamp", descending=True),
        _own("name"),
        _own("version_number", descending=True),
    ),
    ties=(_own("name"), _own("version_number", descending=True)),
    ordered_kinds=(Kind.ATTRIBUTE,),
)
