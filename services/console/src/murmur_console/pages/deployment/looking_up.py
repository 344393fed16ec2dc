"""A prediction looked up by its request id: its row, its label and its window, or how long such things are kept."""

from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element

from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.asking import text_of
from murmur_console.domain.charts import number_words
from murmur_console.domain.facts import Tone
from murmur_console.pages.deployment.heading import deployment_page, path_of
from murmur_console.pages.details import show_pairs
from murmur_console.pages.parts import tag, text
from murmur_console.predictions import LookedUp, Prediction, look_up
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_FACTS = (
    Column("version", "Version"),
    Column("time", "When"),
    Column("output", "Output", "right"),
    Column("label", "Label"),
    Column("window", "Window"),
    Column("latency", "Latency", "right"),
    Column("digest", "Digest"),
    Column("trace", "Trace"),
)
_FEATURES = (Column("name", "Input"), Column("value", "Value", "right"))


def register(console: Console) -> None:
    @ui.page("/deployments/{name}/prediction")
    def prediction(name: str, id: str = "") -> None:
        wanted = id.strip()
        with deployment_page(console, name, tab="/prediction"):
            with tag("form", "m-filters", action=path_of(name, "/prediction"), method="get", role="search"):
                with tag("label"):
                    text("span", "Request id")
                    tag(
                        "input",
                        "m-wide",
                        name="id",
                        value=wanted,
                        autocomplete="off",
                        spellcheck="false",
                        placeholder="as it was sent, or as the answer told it",
                    )
                text("button", "Look up", "m-button m-primary", type="submit")
            notice = text("p", "", "m-notice", role="status")
            place = tag("div")
            if not wanted:
                with tag("div", "m-empty"):
                    text("p", "Every answer carries the id of its request. The second row of a request is id#1:")
                    text("pre", f"{path_of(name, '/prediction')}?id=…", "m-command")
                return
            notice.text = f"Looking for {wanted} …"

        async def find() -> None:
            try:
                found = await look_up(console.door, name, wanted)
            except DoorError as error:
                notice.text = f"Not found: {error}"
                notice.classes(replace="m-notice m-trouble")
                return
            notice.text = ""
            _show(found, place)

        ui.timer(0, find, once=True)


def _show(found: LookedUp, place: Element) -> None:
    with place:
        text("h2", "Every time it was answered, newest first" if len(found.predictions) > 1 else "Prediction")
        rows = Table(f"Predictions of request {found.request_id}", _FACTS)
        rows.show(_row(number, one) for number, one in enumerate(found.predictions))
        for one in found.predictions:
            _show_row(found, one)


def _row(number: int, one: Prediction) -> Row:
    row = one.row
    return Row(
        str(number),
        {
            "version": table.text(f"v{one.version}"),
            "time": table.when(one.time),
            "output": table.text(repr(one.output)),
            "label": _label(one),
            "window": table.text(
                (one.window.outcome or "not closed yet").replace("_", " "),
                note=f"{one.window.start:%F %H:%M:%S} to {one.window.end:%H:%M:%S} UTC",
            ),
            "latency": table.text(f"{number_words(row.latency_ms)} ms" if row else "", note=row.replica if row else ""),
            "digest": table.ident(row.model_sha256) if row else table.text(""),
            "trace": table.ident(row.trace_id) if row and row.trace_id else table.text(""),
        },
    )


def _label(one: Prediction) -> table.Cell:
    label = one.label
    if label is None:
        return table.text("none yet")
    what = f"{text_of(label.value)}" + (" (click)" if label.clicks else "")
    late = "came too late to count" if label.too_late else f"known {label.known:%F %H:%M:%S} UTC"
    return table.text(what, tone=Tone.CAUTION if label.too_late else Tone.PLAIN, note=late)


def _show_row(found: LookedUp, one: Prediction) -> None:
    text("h3", f"What v{one.version} was asked")
    if one.row is None:
        text("p", f"Its inputs cannot be had any more: {one.row_missing}.", "m-caution")
        return
    record = one.row.record
    features = Table(f"Inputs of the prediction by v{one.version}", _FEATURES).classes("m-evidence m-inputs")
    features.show(
        Row(name, {"name": table.text(name), "value": table.text(text_of(value) if value is not None else "missing")})
        for name, value in one.row.features.items()
    )
    with tag("div", "m-actions"):
        query = urlencode({"like": found.request_id})
        text("a", "Try this row again", "m-button", href=f"{path_of(found.deployment, '/try')}?{query}")
    show_pairs({"row": f"{record.topic}/{record.partition} at offset {record.offset}, row {record.row}"})
