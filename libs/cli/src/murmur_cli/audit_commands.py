"""Commands about the ledger: verify it with no service running, export it, keep a checkpoint, look at a chain."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from murmur_cli import shell
from murmur_cli.audit_kafka import Comparison, compare
from murmur_cli.door import FrontDoor, Json
from murmur_cli.shell import AsJson, ExitCode, Unusable
from murmur_ledger.checkpoints import Checkpoint, parsed
from murmur_ledger.contents import Event, Record
from murmur_ledger.errors import BadCheckpoint, BadKey
from murmur_ledger.export import Exported, export, is_of, unpacked
from murmur_ledger.faults import Report
from murmur_ledger.keys import PublicKey, public_from
from murmur_ledger.reader import Entry, LedgerReader
from murmur_ledger.verify import verify
from murmur_runtime.home import Home

_FAULTS_SHOWN = 50

LedgerPath = Annotated[Path | None, typer.Argument(help="A ledger's folder, or an export. Default: this flock's.")]
Ledger = Annotated[Path | None, typer.Option("--ledger", help="A ledger's folder or an export. Default: this flock's.")]


def add_to(app: typer.Typer) -> None:
    audit = typer.Typer(help="The hash-chained ledger of every event: verify, export, show.", no_args_is_help=True)
    audit.command("verify")(verify_ledger)
    audit.command("export")(export_ledger)
    audit.command("checkpoint")(keep_checkpoint)
    audit.command("show")(show)
    app.add_typer(audit, name="audit")


def verify_ledger(
    path: LedgerPath = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint kept elsewhere: finds what was cut off. Repeatable.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The public key, kept elsewhere.")] = None,
    against_kafka: Annotated[
        bool, typer.Option("--against-kafka", help="Also compare every record, and every digest, with the topics.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether the ledger is what was appended, or where it is not; exit code 1 then. No service need run.

    Example: [bold]murmur audit verify --checkpoint /mnt/elsewhere/checkpoint.json[/bold]
    """
    with shell.explained():
        kept = [one for file in checkpoint or () for one in _checkpoints(file)]
        with _unpacked(path) as folder:
            report = verify(folder, checkpoints=kept, key=_key(key) if key else None)
            compared = shell.run(compare(folder, shell.broker())) if against_kafka else None
    if as_json:
        shell.show_json(report.document() | ({"kafka": compared.document()} if compared else {}))
    else:
        _show_report(report)
        if compared:
            _show_comparison(compared)
    well = report.ok and (compared is None or compared.ok)
    raise SystemExit(int(ExitCode.DONE if well else ExitCode.FAILED))


def export_ledger(
    target: Annotated[Path, typer.Argument(help="A new folder, or a new file that ends in .tar, .tar.gz or .tgz.")],
    first: Annotated[int | None, typer.Option("--from", help="Only entries from this position on.")] = None,
    last: Annotated[int | None, typer.Option("--to", help="Only entries up to this position.")] = None,
    correlation: Annotated[str | None, typer.Option(help="Only one chain: its id, or the beginning of it.")] = None,
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Copy the ledger, or a part of it, so that it can be verified anywhere with nothing but itself.

    Example: [bold]murmur audit export credit.tar.gz --correlation 3f2a91[/bold]
    """
    with shell.explained(), _unpacked(ledger) as folder:
        try:
            exported = export(folder, target, first=first, last=last, correlation=correlation)
        except (FileExistsError, ValueError) as error:
            raise Unusable(str(error)) from None
    _show_export(exported, target, as_json=as_json)


def keep_checkpoint(
    target: Annotated[Path, typer.Argument(help="The file to write; keep it where nobody here can change it.")],
    as_json: AsJson = False,
) -> None:
    """Have the ledger signed as it is now, and write that down: later it finds anything cut off or rewritten since.

    Example: [bold]murmur audit checkpoint /mnt/elsewhere/checkpoint.json[/bold]
    """
    made = shell.call(_signed)
    with shell.explained():
        try:
            target.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            raise Unusable(f"cannot write {str(target)!r}: {error.strerror}") from None
    if as_json:
        shell.show_json(made)
    else:
        shell.out.print(f"entry {made['checkpoint']['position']:,} is signed; written to {target}")
        shell.out.print(f"[dim]keep it elsewhere; then: murmur audit verify --checkpoint {target}[/dim]")


def show(
    correlation: Annotated[str, typer.Option(help="One chain: its id, or the beginning of it.")],
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Print what the ledger holds of one chain of events. No service need run.

    Example: [bold]murmur audit show --correlation 3f2a91[/bold]
    """
    with shell.explained(), _unpacked(ledger) as folder:
        rows = [
            _row(entry, entry.content.record)
            for entry in LedgerReader(folder).entries()
            if isinstance(entry.content, Event) and is_of(entry, correlation)
        ]
    shell.show(
        rows,
        ("position", "time", "source", "topic", "key", "event_id", "hash"),
        as_json=as_json,
        empty=f"no event whose correlation id begins with {correlation!r}: murmur events lists them",
    )


async def _signed(door: FrontDoor) -> Json:
    checkpoint = await door.post("/audit/v1/checkpoints")
    summary = await door.get("/audit/v1/summary")
    return {"checkpoint": checkpoint, "public_key": summary["public_key"]}


def _unpacked(path: Path | None) -> AbstractContextManager[Path]:
    """The folder to look at. Raises Unusable for what is no ledger."""
    chosen = path or Home(shell.settings().home).ledger
    if not chosen.exists():
        advice = "start the flock once (murmur up), or name a folder: murmur audit verify exported/"
        raise Unusable(f"there is no ledger at {str(chosen)!r}", advice=advice if path is None else "")
    return unpacked(chosen)


def _checkpoints(file: Path) -> list[Checkpoint]:
    """From a file that `murmur audit checkpoint` wrote, or lines of checkpoints.jsonl. Raises Unusable."""
    try:
        text = file.read_text()
        try:
            one = json.loads(text)["checkpoint"]
        except (ValueError, KeyError, TypeError):
            return [parsed(line) for line in text.splitlines()]
        return [parsed(json.dumps(one, sort_keys=True, separators=(",", ":")))]
    except (OSError, UnicodeDecodeError, BadCheckpoint) as error:
        raise Unusable(
            f"{str(file)!r} holds no checkpoint: {error}", advice="write one: murmur audit checkpoint FILE"
        ) from None


def _key(file: Path) -> PublicKey:
    """From a PEM file, or from one that `murmur audit checkpoint` wrote. Raises Unusable."""
    try:
        raw = file.read_bytes()
        try:
            return public_from(json.loads(raw)["public_key"].encode(), file)
        except (ValueError, KeyError, TypeError):
            return public_from(raw, file)
    except (OSError, BadKey) as error:
        raise Unusable(f"no public key in {str(file)!r}: {error}") from None


def _row(entry: Entry, record: Record) -> dict[str, Any]:
    return {
        "position": entry.position,
        "time": record.header("ce_time"),
        "source": record.header("ce_source"),
        "topic": record.topic,
        "key": record.key.decode(errors="replace"),
        "event_id": record.header("ce_id"),
        "hash": entry.frame.hash.hex()[:16],
    }


def _show_report(report: Report) -> None:
    out = shell.out
    extent = f"entries {report.first:,} to {report.last:,}" if report.ok else f"well up to entry {report.last:,}"
    what = f"{extent}: {report.events:,} events, {report.digests:,} digests of {report.digested:,} records"
    if report.left_out:
        what += f", {report.left_out:,} left out of this part"
    out.print(f"{what}; {report.bytes / 1e6:,.1f} MB in {report.seconds:.2f} s")
    if report.ok:
        vouched = f"signed up to entry {report.anchored:,}" if report.anchored else "nothing signed vouches for it"
        out.print(f"[green]OK[/green]  head {report.head[:16]}…  {report.checkpoints} checkpoints, {vouched}")
    else:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for column in ("fault", "entry", "topic", "partition", "offset", "what is known"):
            table.add_column(column, overflow="fold")
        for fault in report.faults[:_FAULTS_SHOWN]:
            place = ("" if number is None else str(number) for number in (fault.partition, fault.offset))
            detail = f"{fault.detail} ({fault.file})" if fault.file and fault.position else fault.detail
            table.add_row(f"[red]{fault.kind}[/red]", fault.where, fault.topic, *place, detail)
        out.print(f"[red]{len(report.faults)} fault{'s' if len(report.faults) > 1 else ''}[/red]")
        out.print(table)
        if len(report.faults) > _FAULTS_SHOWN:
            out.print(f"[dim]and {len(report.faults) - _FAULTS_SHOWN} more: --json lists all[/dim]")
    for gap in report.gaps:
        out.print(
            f"[yellow]gap[/yellow]  {gap.topic}/{gap.partition}: nobody recorded offsets {gap.first} to {gap.last}"
        )


def _show_comparison(compared: Comparison) -> None:
    out = shell.out
    out.print(
        f"Kafka: {compared.events:,} events and {compared.digests:,} digests ({compared.digested:,} records) are as"
        f" there; {compared.gone:,} records are no longer in Kafka; {compared.waiting:,} not in the ledger yet"
    )
    for one in compared.faults:
        out.print(
            f"[red]{one.what}[/red]  entry {one.position or '-'}  {one.topic}/{one.partition} offset {one.offset}"
        )
    if compared.ok:
        out.print("[green]OK[/green]  the ledger says what Kafka says")


def _show_export(exported: Exported, target: Path, *, as_json: bool) -> None:
    if as_json:
        shell.show_json({**vars(exported), "target": str(target)})
        return
    left = f" and the hashes of {exported.left_out:,} between and behind" if exported.left_out else ""
    shell.out.print(f"wrote {target}: {exported.entries:,} entries{left}, {exported.checkpoints} checkpoints")
    shell.out.print(f"[dim]anybody can verify it: murmur audit verify {target}[/dim]")
