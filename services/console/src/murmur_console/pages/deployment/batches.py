"""Files of rows that a deployment scores: those under way with their progress, and how the others ended."""

from murmur_console.domain.charts import number_words
from murmur_console.domain.deployments import Batch, BatchState
from murmur_console.domain.facts import Tone
from murmur_console.domain.history import History
from murmur_console.domain.words import duration
from murmur_console.pages.parts import text
from murmur_console.serving_now import BatchNow, Look
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_COLUMNS = (
    Column("id", "Batch"),
    Column("state", "State"),
    Column("version", "Version"),
    Column("rows", "Rows", "right"),
    Column("took", "Took", "right"),
    Column("by", "Asked for by"),
    Column("asked", "When"),
)
_SHOWN = 20


class BatchesPanel:
    def __init__(self) -> None:
        text("h2", "Batches")
        self._table = Table("Files of rows that were scored, newest first", _COLUMNS)
        with self._table:
            text("p", "No file was scored. Score one:")
            text("pre", "murmur score <deployment> rows.parquet", "m-command")

    def show(self, history: History, look: Look) -> None:
        newest = sorted(history.batches.values(), key=lambda one: one.at, reverse=True)[:_SHOWN]
        self._table.show(_row(one, look.batches.get(one.id)) for one in newest)


def _row(batch: Batch, now: BatchNow | None) -> Row:
    version = batch.version or (now.version if now else None)
    return Row(
        batch.id,
        {
            "id": table.ident(batch.id),
            "state": _state(batch, now),
            "version": table.text(f"v{version}" if version else ""),
            "rows": _rows(batch, now),
            "took": table.text(duration(batch.seconds) if batch.seconds is not None else ""),
            "by": table.text(batch.by),
            "asked": table.when(batch.at),
        },
    )


def _state(batch: Batch, now: BatchNow | None) -> Cell:
    match batch.state:
        case BatchState.RUNNING:
            return table.text(now.state.replace("_", " ") if now else "asked for")
        case BatchState.FAILED:
            return table.text("failed", tone=Tone.TROUBLE, note=batch.message)
        case BatchState.CANCELLED:
            return table.text("cancelled", tone=Tone.CAUTION, note=batch.message)
        case BatchState.DONE:
            refused = f"{batch.refused:,} rows refused" if batch.refused else ""
            return table.text("done", tone=Tone.CAUTION if refused else Tone.PLAIN, note=refused)


def _rows(batch: Batch, now: BatchNow | None) -> Cell:
    if batch.state is not BatchState.RUNNING or now is None:
        return table.text(f"{batch.rows:,}" if batch.rows is not None else "")
    if not now.rows:
        return table.text("")
    rate = f"{number_words(now.rate)} rows/s" if now.rate else ""
    return table.text(f"{now.rows_done:,} of {now.rows:,} ({now.rows_done / now.rows:.0%})", note=rate)
