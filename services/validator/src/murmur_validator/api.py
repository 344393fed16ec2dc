"""The validator's REST door: it parses, asks, returns a schema. Nothing can be changed through it."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from murmur_events.validation import Verdict
from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service
from murmur_validator import views
from murmur_validator.repository import ValidationStatus, ValidatorUnitOfWork
from murmur_validator.schemas import ValidationDetailView, ValidationPage

Limit = Annotated[int, Query(ge=1, le=500, description="items a page")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]

NOTHING_BUT_ITSELF = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
"""A report holds texts that come from data: no script may ever run in it."""


def router(service: Service[ValidatorUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1/validations", tags=["validator"])

    @api.get("", dependencies=[allows(Role.VIEWER)])
    async def list_validations(
        model: str | None = None,
        status: ValidationStatus | None = None,
        verdict: Verdict | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ValidationPage:
        """The newest validation of each version, newest request first."""
        query = views.ListValidations(model=model, status=status, verdict=verdict, limit=limit, cursor=cursor)
        return await service.read(views.list_validations, query)

    @api.get("/{model}/{version}", dependencies=[allows(Role.VIEWER)])
    async def show_validation(model: str, version: int) -> ValidationDetailView:
        """Verdict, checks, metrics, differences with their intervals, slices."""
        return await service.read(views.show_validation, (model, version))

    @api.get("/{model}/{version}/report", response_class=HTMLResponse, dependencies=[allows(Role.VIEWER)])
    async def show_report(model: str, version: int) -> HTMLResponse:
        """The report, verified against its digest. 404 while the validation is under way, 410 when it was changed."""
        report = await service.read(views.report_of, (model, version))
        return HTMLResponse(await service.artifacts.read_bytes(report), headers=NOTHING_BUT_ITSELF)

    return api
