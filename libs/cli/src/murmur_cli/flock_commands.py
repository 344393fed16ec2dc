"""Commands about the flock as a whole: raise it, look at it, read what it says, end it, find what is wrong."""

import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from murmur_cli import flock_view, shell, signing_in
from murmur_cli.shell import AsJson, ExitCode, Unusable
from murmur_runtime import doctor as diagnosis
from murmur_runtime import flock, logs
from murmur_runtime.flock import Status
from murmur_runtime.home import Home
from murmur_runtime.reports import ServiceReport, reports_of
from murmur_runtime.settings import FlockSettings, Profile
from murmur_runtime.stopping import Stopped

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_to(app: typer.Typer) -> None:
    for command in (up, status, down, doctor):
        app.command()(command)
    app.command("logs")(read_logs)


async def raise_flock(console: Console) -> None:
    """What `murmur up` does: shows how the flock is raised and returns when all of it is ready."""
    await _raise(console, shell.settings())


def up(
    profile: Annotated[
        Profile | None, typer.Option(help="servers: three brokers and replicas of each service, on this machine.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="mongodb://… for the stores of all services.")] = None,
    artifacts: Annotated[str | None, typer.Option(help="s3://… for models, data and reports.")] = None,
    secure: Annotated[
        bool, typer.Option("--secure", help="Ask everybody who they are: users and rules in Kafka, tokens for REST.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start the flock, or what is missing of it; a second one changes nothing.

    What is told here is remembered by the home of the flock; one that was secure once stays so.

    Example: [bold]MURMUR_PORT=9080 MURMUR_HOME=~/second murmur up --secure[/bold]

    Example: [bold]murmur up --profile servers --store "mongodb://127.0.0.1:27017/?replicaSet=rs0"[/bold]
    """
    with shell.explained():
        settings = shell.settings(profile=profile, store=store, artifacts=artifacts, secure=secure or None)
    raised = shell.run(_raise(shell.err if as_json else shell.out, settings))
    if as_json:
        processes = [process.model_dump(mode="json") for process in raised.state.processes]
        shell.show_json({"front_door": _front_door(), "changed": raised.changed, "processes": processes})


async def _raise(console: Console, settings: FlockSettings) -> flock.Raised:
    issued = signing_in.first_token(settings)
    with flock_view.progress_on(console) as emit:
        raised = await flock.up(settings, emit=emit)
    if raised.changed:
        console.print(f"The flock is up after {raised.seconds:.1f} s: [bold]{settings.front_door}[/bold]")
    else:
        console.print(f"The flock is up already: [bold]{settings.front_door}[/bold]")
    if issued is not None:
        console.print(
            f"It asks for tokens. Yours, as {issued.record.subject!r} with every role, is in {settings.vault.own_token}"
            " and opens the console too. Others: [bold]murmur tokens create[/bold]",
            soft_wrap=True,
        )
    return raised


def down(as_json: AsJson = False) -> None:
    """End the flock in order and wait until it is gone. Its data stays.

    Example: [bold]murmur down[/bold]
    """
    console = shell.err if as_json else shell.out

    async def work() -> Stopped:
        with flock_view.progress_on(console) as emit:
            return await flock.down(shell.settings(), emit=emit)

    stopped = shell.run(work())
    if as_json:
        shell.show_json(asdict(stopped))
    elif not stopped.names and not stopped.swept:
        console.print(f"No flock is up in {str(shell.settings().home)!r}")
    else:
        swept = f" and {stopped.swept} they had started" if stopped.swept else ""
        console.print(f"{len(stopped.names)} processes{swept} have ended; the data stays in {shell.settings().home}")
        for name in stopped.killed:
            console.print(f"[yellow]had to be killed: {name}[/yellow]")


def status(as_json: AsJson = False) -> None:
    """Show the processes of the flock; exit code 0 when all are ready, 1 when some are not, 3 when it is not up.

    Example: [bold]murmur status --json[/bold]
    """
    now, reports = shell.run(_look())
    if as_json:
        shell.show_json(_document(now, reports))
    elif now is None:
        shell.out.print(f"No flock is up in {str(shell.settings().home)!r}: [bold]murmur up[/bold]")
    else:
        shell.out.print(flock_view.flock_table(now, reports))
        for complaint in flock_view.complaints(now.processes):
            shell.out.print(complaint, soft_wrap=True)
        if now.supervisor is None:
            shell.out.print("[red]nobody supervises these processes[/red]: [bold]murmur up[/bold] goes on where it was")
    if now is None:
        raise SystemExit(int(ExitCode.NOT_REACHABLE))
    raise SystemExit(int(ExitCode.DONE if now.ready else ExitCode.FAILED))


async def _look() -> tuple[Status | None, dict[str, ServiceReport]]:
    settings = shell.settings()
    now = flock.status(settings)
    return now, await reports_of(settings, now, timeout_seconds=1.5) if now else {}


def _document(now: Status | None, reports: dict[str, ServiceReport]) -> dict[str, Any]:
    rows = []
    for process in now.processes if now else ():
        report = reports.get(process.name)
        rows.append({**process.model_dump(mode="json"), "report": report.model_dump(mode="json") if report else None})
    return {
        "home": str(shell.settings().home),
        "front_door": _front_door(),
        "supervisor": now.supervisor if now else None,
        "ready": now.ready if now else False,
        "processes": rows,
    }


def read_logs(
    process: Annotated[list[str] | None, typer.Argument(help="Only these processes.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come, until Ctrl-C.")] = False,
    since: Annotated[str | None, typer.Option(help="From then on: 10m, 2h, 1d, or an ISO time.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Without --since: so many of the newest.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Print what all processes logged, in the order of time.

    Example: [bold]murmur logs trainer kafka --since 10m -f[/bold]
    """
    with shell.explained():
        home = Home(shell.settings().home)
        begin = None if since is None else since_when(since, datetime.now(UTC))
        chosen = _with_logs(home, process or [])
        stream = logs.follow if follow else logs.read
        for line in stream(home, chosen, since=begin, newest=lines if begin is None else None):
            if as_json:
                sys.stdout.write(line.text + "\n")
            else:
                shell.out.print(flock_view.log_text(line), soft_wrap=True)


def since_when(text: str, now: datetime) -> datetime:
    """Raises Unusable."""
    if match := re.fullmatch(r"(\d+)([smhd])", text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unusable(
            f"--since {text!r} is neither a length of time nor a time",
            advice="write it as 30s, 10m, 2h, 1d or 2026-11-25T08:00",
        ) from None
    return moment if moment.tzinfo else moment.astimezone()


def _with_logs(home: Home, wanted: list[str]) -> list[str]:
    """Raises Unusable for a process that has no log."""
    known = logs.processes_with_logs(home)
    for name in wanted:
        if name not in known:
            have = f"there are logs of {', '.join(known)}" if known else "nothing was started here yet: murmur up"
            raise Unusable(f"no process {name!r} has logged in {str(home.root)!r}", advice=have)
    return wanted or [name for name in known if name != "envoy-access"]


def doctor(as_json: AsJson = False) -> None:
    """Find what is wrong with this machine or the flock, and what to do; exit code 1 when there is a problem.

    Example: [bold]murmur doctor[/bold]
    """
    findings = shell.run(diagnosis.examine(shell.settings()))
    if as_json:
        shell.show_json([asdict(finding) for finding in findings])
    else:
        shell.out.print(flock_view.findings_table(findings))
    problem = any(finding.severity is diagnosis.Severity.PROBLEM for finding in findings)
    raise SystemExit(int(ExitCode.FAILED if problem else ExitCode.DONE))


def _front_door() -> str:
    return shell.settings().front_door
