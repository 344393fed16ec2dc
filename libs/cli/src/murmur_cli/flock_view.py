"""How the commands about the flock look: progress while it is raised, its state, its logs."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.status import Status as Spinner
from rich.table import Table
from rich.text import Text

from murmur_cli.palette import colour_of
from murmur_runtime.doctor import Finding, Severity
from murmur_runtime.flock import Status
from murmur_runtime.logs import LogLine
from murmur_runtime.progress import Downloading, Emit, ProcessChanged, Step
from murmur_runtime.progress import Progress as Fact
from murmur_runtime.reports import ServiceReport
from murmur_runtime.state import Phase, ProcessState

_PHASE_STYLE = {
    Phase.READY: "green",
    Phase.STOPPED: "dim",
    Phase.WAITING: "dim",
    Phase.STARTING: "default",
    Phase.STOPPING: "default",
    Phase.UNREADY: "yellow",
    Phase.BACKING_OFF: "red",
    Phase.LOST: "red",
}
_SIGN = {Severity.FINE: "[green]✓[/green]", Severity.WARNING: "[yellow]![/yellow]", Severity.PROBLEM: "[red]✗[/red]"}
_LEVEL_STYLE = {"warning": "yellow", "error": "red", "critical": "bold red", "exception": "red"}
_SHOWN_APART = frozenset({"timestamp", "level", "event", "service", "exception", "logger", "process"})


@contextmanager
def progress_on(console: Console) -> Iterator[Emit]:
    """Shows facts as they come: a bar for downloads, a line for each process that is ready, a spinner for the rest."""
    with ExitStack() as stack:
        view = _ProgressView(console, stack)
        yield view.show


class _ProgressView:
    def __init__(self, console: Console, stack: ExitStack) -> None:
        self._console = console
        self._stack = stack
        self._pending: list[str] = []
        self._complained: set[tuple[str, Phase]] = set()
        self._spinner: Spinner | None = None
        self._bar: Progress | None = None

    def show(self, fact: Fact) -> None:
        match fact:
            case Downloading():
                self._download(fact)
            case Step(what=what):
                self._console.print(f"[dim]{escape(what)}[/dim]")
            case ProcessChanged():
                self._process(fact)

    def _download(self, fact: Downloading) -> None:
        if self._bar is None:
            size = f"{fact.total / 1e6:.0f} MB"
            self._console.print(f"Downloading {fact.what}, {size}, once for all flocks of this user")
            columns = (TextColumn("  "), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bar = self._stack.enter_context(Progress(*columns, console=self._console, transient=True))
            self._bar.add_task(fact.what, total=fact.total)
        self._bar.update(self._bar.task_ids[0], completed=fact.done)
        if fact.done >= fact.total:
            self._bar.stop()

    def _process(self, fact: ProcessChanged) -> None:
        name = Text(f"  {fact.name:<10}", style=colour_of(fact.name))
        phase = Phase(fact.phase)
        match phase:
            case Phase.READY | Phase.STOPPED:
                self._console.print(name, Text(f"{phase} after {fact.seconds:.1f} s", style=_PHASE_STYLE[phase]))
            case Phase.BACKING_OFF | Phase.UNREADY if (fact.name, phase) not in self._complained:
                self._complained.add((fact.name, phase))
                self._console.print(name, Text(f"{phase}: {fact.detail}", style=_PHASE_STYLE[phase]))
        if phase in (Phase.STARTING, Phase.STOPPING, Phase.BACKING_OFF, Phase.WAITING):
            self._pending = [*(pending for pending in self._pending if pending != fact.name), fact.name]
        else:
            self._pending = [pending for pending in self._pending if pending != fact.name]
        self._spin()

    def _spin(self) -> None:
        if self._spinner is None:
            self._spinner = self._stack.enter_context(self._console.status(""))
        text = f"[dim]waiting for {', '.join(self._pending)}[/dim]" if self._pending else "[dim]looking[/dim]"
        self._spinner.update(text)


def flock_table(flock: Status, reports: dict[str, ServiceReport]) -> Table:
    """One row a process; numbers where the process is a service that answers. See `complaints` for what ails it."""
    table = Table(box=None, header_style="dim", pad_edge=False, collapse_padding=True)
    for column in ("process", "state", "for", "pid", "port", "restarts"):
        table.add_column(column, no_wrap=True)
    for column in ("lag", "outbox", "parked", "dead"):
        table.add_column(column, justify="right")
    for process in flock.processes:
        report = reports.get(process.name)
        numbers = (report.lag, report.outbox, report.parked, report.dead_letters) if report else (None,) * 4
        table.add_row(
            Text(process.name, style=colour_of(process.name)),
            Text(process.phase, style=_PHASE_STYLE[process.phase]),
            span((datetime.now(UTC) - process.since).total_seconds()),
            str(process.pid or "-"),
            str(process.port),
            Text(str(process.restarts), style="yellow" if process.restarts else "dim"),
            *(_number(number) for number in numbers),
        )
    return table


def complaints(processes: Iterable[ProcessState]) -> Iterator[Text]:
    """A line for each process that is not well."""
    for process in processes:
        if process.detail:
            yield Text(f"{process.name}: {process.detail}", style=_PHASE_STYLE[process.phase])


def findings_table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        text = escape(finding.message)
        if finding.advice:
            text += f"\n[dim]{escape(finding.advice)}[/dim]"
        table.add_row(_SIGN[finding.severity], finding.subject, text)
    return table


def log_text(line: LogLine) -> Text:
    """One line for a terminal: time, process, then the event with its data, or the line as it is."""
    shown = Text(f"{line.time.astimezone():%H:%M:%S}.{line.time.microsecond // 1000:03d}  ", style="dim")
    shown.append(f"{line.process:<10} ", style=colour_of(line.process))
    if line.fields is None:
        return shown.append(line.text)
    level = str(line.fields.get("level", "info"))
    shown.append(str(line.fields.get("event", "")), style=_LEVEL_STYLE.get(level, "bold"))
    for name, value in line.fields.items():
        if name not in _SHOWN_APART:
            shown.append(f"  {name}=", style="dim").append(str(value))
    if exception := line.fields.get("exception"):
        shown.append(f"\n{exception}", style="red")
    return shown


def span(seconds: float) -> str:
    """A length of time as people say it: 12 s, 4 min, 3 h, 2 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _number(number: int | None) -> Text:
    return Text("-" if number is None else f"{number:,}", style="default" if number else "dim")
