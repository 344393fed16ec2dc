"""The command that brings what an MLflow server has over to the flock."""

import os
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx
import typer

from murmur_cli import shell
from murmur_cli.mlflow_import import report
from murmur_cli.mlflow_import.errors import AGAIN
from murmur_cli.mlflow_import.importing import Import, NoSuchExperiment
from murmur_cli.mlflow_import.progress import bars
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.source import Source
from murmur_cli.mlflow_import.tally import Tally
from murmur_cli.mlflow_import.wire import Wire
from murmur_cli.shell import AsJson, ExitCode, Unusable

_NAMES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_PATIENCE = httpx.Timeout(60, read=300)
_CREDENTIALS = f"say who you are with {_NAMES[0]} and {_NAMES[1]}, or with {_NAMES[2]}"

_START = f"start the flock with `murmur up`; {AGAIN}"

From = Annotated[str, typer.Option("--from", help="URI of the MLflow server, as MLFLOW_TRACKING_URI has it.")]
Names = Annotated[list[str] | None, typer.Option("--experiment", help="Only this experiment. Repeatable.")]
Workspace = Annotated[str, typer.Option(help="Where to: the team's workspace here.")]


def add_to(app: typer.Typer) -> None:
    imports = typer.Typer(help="Bring what another server has over to this flock.", no_args_is_help=True)
    imports.callback()(_imports)
    imports.command("mlflow")(mlflow)
    app.add_typer(imports, name="import")


def _imports() -> None:
    """Bring what another server has over to this flock."""


def mlflow(uri: From, experiment: Names = None, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Bring experiments, runs, files, logged and registered models of an MLflow server (2.22 to 3.x) over.

    Runs and logged models keep their ids, versions their numbers. It may be interrupted: the same command goes on where
    it stopped. Done again later, it takes what is new, and brings up to date what has changed on the source. Exit code
    1 where something was left that should not have been.

    Credentials of the source: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.

    Example: [bold]murmur import mlflow --from http://mlflow.example.com:5000[/bold]
    Example: [bold]murmur import mlflow --from http://localhost:5000 --experiment churn --workspace risk[/bold]
    """
    tally = Tally()

    async def work() -> tuple[str, str]:
        door = shell.front_door()
        address = address_of(uri)
        if address == door.address.rstrip("/"):
            raise Unusable(f"--from {address!r} is this flock itself", advice="name the server to import from")
        headers = {**door.headers, "X-Murmur-Workspace": workspace, "X-Murmur-Reason": f"imported from {address}"}
        async with (
            httpx.AsyncClient(base_url=address, timeout=_PATIENCE, **credentials(uri, os.environ)) as there,
            httpx.AsyncClient(base_url=door.address, timeout=_PATIENCE, headers=headers, verify=door.verify) as here,
        ):
            reading = Wire(there, address, advice=_CREDENTIALS)
            writing = Wire(here, f"the front door {door.address}", advice="set MURMUR_TOKEN", away=_START)
            await Sink(writing.impatient()).check()
            release = await Source(reading.impatient(), address).check()
            source, sink = Source(reading, address), Sink(writing)
            with bars(shell.err, tally, shown=not as_json):
                try:
                    await Import(source, sink, tally, by=door.signature(None)).run(experiment or ())
                except NoSuchExperiment as error:
                    raise Unusable(str(error)) from None
        return address, release

    address, release = shell.run(work())
    if as_json:
        shell.show_json(report.as_json(tally, address, release))
    else:
        report.show(shell.out, tally, address, release)
    if not tally.is_whole:
        raise SystemExit(int(ExitCode.FAILED))


def address_of(uri: str) -> str:
    """As it is called, and as tags and people are told it: without credentials. Raises Unusable."""
    advice = "such as --from http://mlflow.example.com:5000"
    try:
        parts = urlsplit(uri.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise Unusable(f"--from {uri!r} is no URI: {error}", advice=advice) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unusable(
            f"--from {uri!r} is no http:// or https:// URI of a server: a file or database is read by the server that"
            f" serves it (mlflow server --backend-store-uri …)",
            advice=advice,
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path.rstrip("/"), "", ""))


def credentials(uri: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """As MLflow's own client shows them: name and password before a token; those of the URI before both."""
    parts = urlsplit(uri)
    name, password, token = (environment.get(one, "") for one in _NAMES)
    told: dict[str, Any] = {}
    if parts.username:
        told["auth"] = httpx.BasicAuth(unquote(parts.username), unquote(parts.password or ""))
    elif name and password:
        told["auth"] = httpx.BasicAuth(name, password)
    elif token:
        told["headers"] = {"Authorization": f"Bearer {token}"}
    if environment.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        told["verify"] = False
    return told
