"""What a service cannot get over by itself."""

from typing import Literal

from pydantic import Field

from murmur_events.base import Event


class TroubleReported(Event):
    """Something takes longer than it should or cannot go on without a person; or, ended, that is over.

    The monitor makes alerts of these, so that alerts have one writer.
    """

    trouble: str = Field(description="identity within the service: it begins once until it has ended")
    service: str
    state: Literal["began", "ended"]
    about: str = Field(description="the workflow, model or deployment; else the topic or kind of work")
    severity: Literal["warning", "critical"]
    title: str
    detail: str
