"""What may be asked of the validator; nothing here changes anything."""

from dataclasses import dataclass

from murmur_events.values import Artifact
from murmur_kernel.errors import Missing
from murmur_validator.repository import ValidationStatus, ValidatorUnitOfWork, validation_id
from murmur_validator.schemas import ValidationDetailView, ValidationPage, validation_detail_view, validation_view


@dataclass(frozen=True, kw_only=True)
class ListValidations:
    model: str | None = None
    status: ValidationStatus | None = None
    verdict: str | None = None
    limit: int = 50
    cursor: str | None = None


async def list_validations(query: ListValidations, uow: ValidatorUnitOfWork) -> ValidationPage:
    """Newest request first."""
    wanted = {
        "model": query.model,
        "status": query.status.value if query.status else None,
        "verdict": query.verdict,
    }
    page = await uow.validations.find(
        where={name: value for name, value in wanted.items() if value is not None},
        order_by="requested_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )
    return ValidationPage(items=[validation_view(validation) for validation in page.items], next=page.next)


async def show_validation(name: tuple[str, int], uow: ValidatorUnitOfWork) -> ValidationDetailView:
    """Raises Missing."""
    return validation_detail_view(await uow.validations.require(validation_id(*name)))


async def report_of(name: tuple[str, int], uow: ValidatorUnitOfWork) -> Artifact:
    """Raises Missing: no such validation, or it is still under way."""
    validation = await uow.validations.require(validation_id(*name))
    if validation.result is None:
        raise Missing("report", validation_id(*name))
    return validation.result.report
