"""REST: send a file, have it scored, watch it, fetch what came out."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from murmur_deployer.batches.asking import AskForBatch, ask_for_batch, cancel_batch, remember_input
from murmur_deployer.batches.errors import InputGone, InputTooLarge, InputUnusable, NotServing
from murmur_deployer.batches.files import BatchFiles, FileFormat
from murmur_deployer.batches.schemas import BatchPage, BatchView, BatchWish, InputColumn, InputView, view
from murmur_deployer.domain.batch import Batch, BatchState
from murmur_deployer.domain.batch_input import BatchInput
from murmur_deployer.repository import DeployerUnitOfWork
from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.service import Service

PROBLEMS: dict[type[Exception], int] = {NotServing: 409, InputGone: 410, InputTooLarge: 413, InputUnusable: 422}

_A_PERSON = "a person"
_TYPES: dict[FileFormat, str] = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(_TYPES.values(), _FILE)}}


@dataclass(frozen=True)
class ListBatches:
    deployment: str | None
    state: BatchState | None
    limit: int
    cursor: str | None


async def list_batches(query: ListBatches, uow: DeployerUnitOfWork) -> BatchPage:
    asked = {"deployment": query.deployment, "state": query.state}
    page = await uow.batches.find(
        where={name: value for name, value in asked.items() if value is not None},
        order_by="requested_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )
    return BatchPage(items=[view(batch) for batch in page.items], next=page.next)


async def show_batch(name: str, uow: DeployerUnitOfWork) -> BatchView:
    return view(await uow.batches.require(name))


async def find_batch(name: str, uow: DeployerUnitOfWork) -> Batch:
    return await uow.batches.require(name)


def router(service: Service[DeployerUnitOfWork], files: BatchFiles) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["batches"])

    @api.post("/batch-inputs", status_code=201, dependencies=[allows(Role.AUTHOR)], openapi_extra=_BODY)
    async def send(request: Request) -> InputView:
        """The file is the body as it is: Parquet, or CSV where Content-Type says text/csv. The same file again is the
        same input. 413 too large, 422 neither, or without rows."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        file = await files.take(request.stream(), "csv" if kind == _TYPES["csv"] else "parquet")
        kept = await service.change(remember_input, file, answer=BatchInput)
        columns = [InputColumn(**vars(column)) for column in kept.columns]
        return InputView(sha256=kept.sha256, size=kept.size, rows=kept.rows, columns=columns)

    @api.post("/batches", status_code=202, dependencies=[allows(Role.AUTHOR)])
    async def ask(body: BatchWish, caller: Caller) -> BatchView:
        """404 unknown deployment, 409 it (or that version) does not serve, 410 the input was never sent, 422 its
        columns differ from the model's."""
        by = caller.signs_as(body.by, otherwise=_A_PERSON)
        command = AskForBatch(body.deployment, body.version, body.input, by)
        return await service.change(ask_for_batch, command, answer=BatchView)

    @api.get("/batches", dependencies=[allows(Role.VIEWER)])
    async def batches(
        deployment: str | None = None,
        state: BatchState | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: str | None = None,
    ) -> BatchPage:
        """The newest request first."""
        return await service.read(list_batches, ListBatches(deployment, state, limit, cursor))

    @api.get("/batches/{name}", dependencies=[allows(Role.VIEWER)])
    async def batch(name: str) -> BatchView:
        return await service.read(show_batch, name)

    @api.post("/batches/{name}/cancel", dependencies=[allows(Role.AUTHOR)])
    async def cancel(name: str) -> BatchView:
        """409 once it has ended otherwise. Nothing is left of it but its rows in the prediction log."""
        return await service.change(cancel_batch, name, answer=BatchView)

    @api.get(
        "/batches/{name}/output",
        dependencies=[allows(Role.VIEWER)],
        response_class=FileResponse,
        responses={200: {"content": dict.fromkeys(_TYPES.values(), _FILE)}},
    )
    async def output(name: str, format: FileFormat = "parquet") -> FileResponse:
        """A row for each of the input: its number from 0, the model's output, and why there is none. Byte ranges are
        answered. 409 while there is no output."""
        found = await service.read(find_batch, name)
        path = await files.give(found, format)
        done = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type=_TYPES[format], filename=f"{name}.{format}", background=done)

    return api
