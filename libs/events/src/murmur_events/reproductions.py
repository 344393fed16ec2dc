"""A run repeated: what is pinned for it, and how what came out compares with the first."""

from typing import Literal

from pydantic import Field

from murmur_events.base import RunId, Value
from murmur_events.values import Artifact, DatasetRef, Number, Sha256

EnvironmentMode = Literal["same", "present", "fresh"]
"""same: only where the present one is that of the first run. present: whatever there is; the verdict says what differs.
fresh: one built of exactly the recorded versions."""


class Reproduces(Value):
    """The run to repeat, pinned: nothing of it is looked up or fetched anew."""

    run_id: RunId
    code: Artifact
    dataset: DatasetRef
    seed: int
    threads: int | None = Field(default=None, ge=1, description="absent: nobody recorded them, so as many as now")
    environment: EnvironmentMode = "same"


class MetricDifference(Value):
    """A metric that came out differently; absent is the value of a run that did not measure it."""

    name: str
    original: Number | None = None
    reproduced: Number | None = None
    difference: Number | None = Field(default=None, description="reproduced - original, where both are there")


class Difference(Value):
    """A circumstance that was not the same; absent is what one of them did not have, or did not record."""

    what: Literal["code", "data", "parameters", "seed", "environment", "hardware"]
    name: str = Field(description="such as the package, or the parameter")
    original: str | None = None
    reproduced: str | None = None


class Reproduction(Value):
    """The verdict. identical: the same bytes. equivalent: other bytes, and no metric differs by more than 1e-6 of its
    size (of 1, for smaller ones), which is about what single precision resolves. different: any other."""

    of: RunId
    verdict: Literal["identical", "equivalent", "different"]
    original_sha256: Sha256 = Field(description="of the first run's model")
    reproduced_sha256: Sha256
    metrics: tuple[MetricDifference, ...] = Field(default=(), description="those that are not the same number")
    differences: tuple[Difference, ...] = ()
