"""What the validator's REST API gives."""

from datetime import datetime

from pydantic import BaseModel, Field

from murmur_events.validation import ValidationCompleted, Verdict
from murmur_validator.repository import Validation, ValidationStatus


class ValidationView(BaseModel):
    """One validation as a line of a list: the newest of its version."""

    model: str
    version: int
    status: ValidationStatus
    baseline: int | None = Field(description="the version it is judged against; null: there is none in production")
    attempt: int
    requested_at: datetime
    completed_at: datetime | None
    verdict: Verdict | None
    summary: str | None


class ValidationPage(BaseModel):
    items: list[ValidationView]
    next: str | None


class ValidationDetailView(ValidationView):
    """With everything that was found; the same as the event said."""

    result: ValidationCompleted | None


def validation_view(validation: Validation) -> ValidationView:
    result = validation.result
    return ValidationView(
        model=validation.model,
        version=validation.version,
        status=validation.status,
        baseline=validation.baseline,
        attempt=validation.attempt,
        requested_at=validation.requested_at,
        completed_at=validation.completed_at,
        verdict=result.verdict if result else None,
        summary=result.summary if result else None,
    )


def validation_detail_view(validation: Validation) -> ValidationDetailView:
    return ValidationDetailView(**vars(validation_view(validation)), result=validation.result)
