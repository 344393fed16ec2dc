"""What `murmur import` says of a run and of a logged model, and what it is answered."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from murmur_events.runs import DatasetInput, Measured, MetricColumns, ModelLink

RunKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_\-]*$", max_length=256)]
Key = Annotated[str, Field(min_length=1, max_length=250)]
Texts = Annotated[dict[Key, str], Field(max_length=200)]
Millis = Annotated[int, Field(ge=0, lt=253_402_300_800_000, description="ms since 1970")]
Missing = Annotated[
    str | None,
    Field(max_length=2000, description="why it is not whole yet; null: with this it is"),
]

_MOST_POINTS = 1000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunBody(_Body):
    """A run of another server, or a part of what it has: what was said before stays."""

    run_id: RunKey
    experiment: str = Field(description="id of the experiment here")
    name: str = Field(max_length=8000)
    user: str = Field(default="", max_length=8000)
    started: Millis
    missing: Missing
    metrics: MetricColumns | None = None
    measured: tuple[Measured, ...] = Field(default=(), description="which of the metrics are of logged models too")
    parameters: Texts = Field(default_factory=dict)
    tags: Texts = Field(default_factory=dict)
    datasets: tuple[DatasetInput, ...] = ()
    models_read: tuple[ModelLink, ...] = ()
    models_written: tuple[ModelLink, ...] = ()
    status: Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"] | None = None
    ended: Millis | None = None
    deleted: bool | None = Field(default=None, description="true: in the bin")

    @model_validator(mode="after")
    def _columns_belong_together(self) -> Self:
        if self.metrics is None:
            return self
        length, names = len(self.metrics.name), len(self.metrics.names)
        if length > _MOST_POINTS:
            raise ValueError(f"{length:,} values of metrics at once: send at most {_MOST_POINTS:,} in a call")
        if not all(len(one) == length for one in (self.metrics.step, self.metrics.time, self.metrics.value)):
            raise ValueError("the columns of metrics differ in length: each value has a name, a step and a time")
        if not all(0 <= place < names for place in self.metrics.name):
            raise ValueError(f"metrics.name holds places in metrics.names, which has {names:,}")
        if any(not 0 <= place < length for one in self.measured for place in one.places):
            raise ValueError(f"measured.places holds places in the columns of metrics, which have {length:,}")
        return self


class ModelBody(_Body):
    """A logged model of another server, as it is there."""

    model_id: Annotated[str, Field(pattern=r"^m-[0-9a-f]{32}$")]
    experiment: str = Field(description="id of the experiment here")
    name: str = Field(min_length=1, max_length=500)
    model_type: str = ""
    source_run: str = ""
    status: Literal["pending", "ready", "failed"]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    missing: Missing
    parameters: dict[Key, str] = Field(default_factory=dict)
    tags: dict[Key, str] = Field(default_factory=dict)


class ImportedView(BaseModel):
    id: str
    artifact_uri: str = Field(description="where its artifacts are to be put")
