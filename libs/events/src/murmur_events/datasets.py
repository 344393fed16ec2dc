"""Data that a training may use."""

from pydantic import Field

from murmur_events.base import Event, WorkflowName
from murmur_events.values import DatasetRef


class DatasetRegistered(Event):
    """A snapshot was taken, checked and stored under its digest."""

    workflow: WorkflowName
    dataset: DatasetRef
    label_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of positive labels in the training part; absent: the target is a number",
    )
    periods: tuple[str, ...] = Field(description="periods that the snapshot covers, oldest first")
