"""Values that several event families share: references to large things, and the numbers that models are judged by."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from murmur_events.base import Value

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Number = Annotated[
    float, WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"], "type": "string"}]})
]
"""A metric: a training that diverges measures what JSON has no number for, and says so in a word."""


class Artifact(Value):
    """A claim check for something too large for an event: where it is and what it must hash to."""

    uri: str
    sha256: Sha256
    size: int = Field(ge=0, description="bytes")


class Source(Value):
    """Where in a git repository the code was, when it was applied."""

    commit: str = Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
    dirty: bool = Field(description="the files were not those of the commit")
    diff: Artifact | None = Field(default=None, description="from the commit to the files; absent: clean, or too large")


class ColumnSpec(Value):
    """One input column of a model: its name and what may stand in it."""

    name: str
    dtype: Literal["float", "integer", "category"] = "float"
    categories: tuple[float, ...] = Field(default=(), description="the values seen in training, for a category")


class Signature(Value):
    """What a model takes and gives, in the order in which its columns must arrive."""

    inputs: tuple[ColumnSpec, ...]
    output: str = Field(default="probability", description="name of the output tensor")


class DatasetRef(Value):
    """A snapshot of data, cut into the part a model may learn from and the part it must never see."""

    name: str
    digest: Sha256 = Field(description="sha256 over both parts: the identity of the snapshot")
    train: Artifact
    holdout: Artifact
    train_rows: int = Field(ge=0)
    holdout_rows: int = Field(ge=0)
    as_of: str = Field(description="ISO 8601: nothing later than this was read")
    trained_until: str | None = Field(
        default=None, description="last period of the train part; absent where identities decide who is held out"
    )


class ModelArtifacts(Value):
    """All that a version needs to be judged, served and watched, by those who never saw it trained."""

    model: Artifact
    format: Literal["xgboost-ubj", "onnx", "skops"] = "xgboost-ubj"
    signature: Signature
    probe: Artifact = Field(description="JSON: a V2 request and the outputs that training computed for it")
    reference: Artifact = Field(description="Parquet: rows of the reference window, inputs and the model's output")
    dataset: DatasetRef
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="a row with at least this probability is flagged: of least expected cost on training data",
    )


class Interval(Value):
    """An estimate with its two-sided confidence interval."""

    value: Number
    low: Number
    high: Number
