"""`murmur rebuild`: what a service's projections keep, made again from the ledger, compared, and put in its place."""

import asyncio
import importlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from murmur_cli import shell
from murmur_cli.shell import AsJson, ExitCode, Unusable
from murmur_events.catalog import SERVICES
from murmur_kernel.errors import KernelError
from murmur_kernel.rebuilding import Difference, Rebuilder, Rebuilt, compare
from murmur_kernel.service import Service
from murmur_kernel.store import RawRecord, SqliteStore, Store, carry_over
from murmur_kernel.troubles import TROUBLES
from murmur_ledger.contents import Event
from murmur_ledger.reader import LedgerReader
from murmur_ledger.verify import verify
from murmur_runtime import living
from murmur_runtime.home import Home

_SHOWN = 10


def add_to(app: typer.Typer) -> None:
    app.command("rebuild")(rebuild)


@dataclass(frozen=True)
class Outcome:
    """`difference` is None where there was no store to compare with."""

    service: str
    store: Path
    rebuilt: Rebuilt
    difference: Difference | None
    swapped: bool


def rebuild(
    service: Annotated[str, typer.Argument(help="A service that keeps projections, such as tracking.")],
    swap: Annotated[
        bool, typer.Option("--swap", help="Put the new store in the old one's place; the service must be down.")
    ] = False,
    ledger: Annotated[Path | None, typer.Option(help="From this ledger. Default: this flock's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a service's projections again from the ledger, beside its store, and compare. Nothing is published.

    What a service decided itself (state behind its reactions) is not in events and is not rebuilt. Exit code 1 when the
    two differ. With --swap, what the old store alone knows (troubles told, events not sent yet, sequences, answers to
    calls) goes into the new one; where it cannot be read, nothing is exchanged.

    Example: [bold]murmur down && murmur rebuild tracking --swap && murmur up[/bold]
    """
    with shell.explained():
        here = shell.settings()
        home = Home(here.home)
        folder = ledger or home.ledger
        if swap and here.store:
            raise Unusable(
                f"{service} keeps its state in a database, not in a file of this home: no file can take its place",
                advice=f"without --swap it is made beside, in rebuilt/{service}.db",
            )
        entries = _check(home, service, folder, swap=swap)
        try:
            outcome = asyncio.run(_rebuild(home, service, folder, entries, swap=swap, shown=not as_json))
        except KernelError as error:
            raise Unusable(str(error)) from None
    if as_json:
        shell.show_json({**asdict(outcome), "store": str(outcome.store)})
    else:
        _show(outcome)
    well = outcome.difference is None or outcome.difference.none
    raise SystemExit(int(ExitCode.DONE if well or outcome.swapped else ExitCode.FAILED))


def _check(home: Home, service: str, folder: Path, *, swap: bool) -> int:
    """The ledger's last position. Raises Unusable."""
    if service not in SERVICES:
        raise Unusable(f"{service!r} is no service that keeps anything: choose one of {', '.join(SERVICES)}")
    if swap and living.find(home, service) is not None:
        raise Unusable(f"{service} runs: its store cannot be exchanged under it", advice="murmur down, then again")
    report = verify(folder)
    if not report.ok:
        fault = report.faults[0]
        raise Unusable(
            f"the ledger in {str(folder)!r} is not what was appended: {fault.kind} at {fault.where}",
            advice="murmur audit verify shows all of it",
        )
    return report.last


async def _rebuild(home: Home, name: str, folder: Path, entries: int, *, swap: bool, shown: bool) -> Outcome:
    path = home.root / "rebuilt" / f"{name}.db"
    path.parent.mkdir(exist_ok=True)
    for file in _files(path):
        file.unlink(missing_ok=True)
    service = _service(home, name, path)
    only_projections = not any(subscription.decides for subscription in service.subscriptions)
    if swap and not only_projections:
        raise Unusable(f"{name} also decides: a store of its projections alone must not take its place")
    async with _opened(path, service, bulk=True) as store:
        start = datetime.fromtimestamp(0, UTC)
        rebuilder = Rebuilder(name, store, service.unit_of_work, service.subscriptions, start=start)
        with _bar("replayed", entries, shown=shown) as forward:
            rebuilt = await rebuilder.replay(_history(folder, forward))
    difference = None
    if home.store(name).exists():
        with TemporaryDirectory(dir=path.parent) as folder_of_copy:
            copy = _copied(home.store(name), Path(folder_of_copy))
            async with _opened(copy, service) as before, _opened(path, service) as store:
                with _bar("compared", None, shown=shown):
                    difference = await compare(before, store, service.kinds, only_projections=only_projections)
            if swap:
                carry_over(copy, path, kinds=(TROUBLES.name,))
    if swap:
        _swap(home.store(name), path)
    return Outcome(name, home.store(name) if swap else path, rebuilt, difference, swap)


@contextmanager
def _bar(what: str, total: int | None, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Moved to where it is told."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=shell.err, disable=not shown, transient=True) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda to: progress.update(bar, completed=to)


def _service(home: Home, name: str, store: Path) -> Service[Any]:
    """The service as its own composition root makes it, over the new store; nothing of it is started."""
    settings: Any = importlib.import_module(f"murmur_{name}.settings")
    app: Any = importlib.import_module(f"murmur_{name}.app")
    created = app.create_app(settings.Settings(home=home.root, store=f"sqlite:///{store}"))
    service: Service[Any] = created.state.service
    return service


def _history(folder: Path, forward: Callable[[int], None]) -> Iterator[tuple[datetime, RawRecord]]:
    """forward: told the position of each entry before it is given"""
    for entry in LedgerReader(folder).entries():
        forward(entry.position)
        if isinstance(entry.content, Event):
            record = entry.content.record
            yield (
                entry.content.at,
                RawRecord(
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    key=record.key.decode(errors="replace"),
                    value=record.value,
                    headers=record.headers,
                ),
            )


@asynccontextmanager
async def _opened(path: Path, service: Service[Any], *, bulk: bool = False) -> AsyncIterator[Store]:
    index = service.index.sqlite() if service.index else None
    store = SqliteStore(str(path), index, bulk=bulk)
    await store.open({kind.name: kind.indexes for kind in service.kinds})
    try:
        yield store
    finally:
        await store.close()


def _copied(path: Path, folder: Path) -> Path:
    """What the store holds at this moment; the service may go on meanwhile. Raises Unusable."""
    target = folder / path.name
    source, copy = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        source.backup(copy)
    except sqlite3.Error as error:
        raise Unusable(
            f"the store {str(path)!r} cannot be read: {error}",
            advice="move it away to rebuild without it: what it alone knew is lost then",
        ) from error
    finally:
        source.close()
        copy.close()
    return target


def _swap(old: Path, new: Path) -> None:
    """The old one is kept where the new one was made, under the time of the exchange."""
    kept = new.with_suffix(f".before-{datetime.now(UTC):%Y%m%dT%H%M%S}.db")
    for file, target in zip(_files(old), _files(kept), strict=True):
        if file.exists():
            file.rename(target)
    new.rename(old)


def _files(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))]


def _show(outcome: Outcome) -> None:
    out, rebuilt, difference = shell.out, outcome.rebuilt, outcome.difference
    out.print(f"{outcome.service}: {rebuilt.handled:,} events replayed into {outcome.store}; nothing was published")
    for what, ids in (("never handled, prerequisite never came", rebuilt.waiting), ("refused", [*rebuilt.dead])):
        if ids:
            out.print(f"[yellow]{len(ids)} {what}[/yellow]: {', '.join(ids[:_SHOWN])}")
    if difference is None:
        out.print("there was no store to compare with")
        return
    for what, names in (
        ("differ", difference.different),
        ("only in the store before", difference.only_before),
        ("only in the rebuilt one", difference.only_rebuilt),
    ):
        if names:
            out.print(f"[red]{len(names)} documents {what}[/red]: {', '.join(names[:_SHOWN])}")
    if difference.none:
        out.print(f"[green]OK[/green]  all {difference.same:,} documents of its projections are the same")
    if outcome.swapped:
        out.print("the rebuilt store is in place; the one before is kept in rebuilt/")
