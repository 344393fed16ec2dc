"""What serves, how well, and whether the world has moved away from what it learned."""

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.deployments import Window
from murmur_console.domain.facts import Tone
from murmur_console.domain.history import History
from murmur_console.pages.deployment.heading import path_of
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import keep_up, tag, text
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_DEPLOYMENTS = (
    Column("name", "Deployment"),
    Column("version", "Serves"),
    Column("since", "Since"),
    Column("rows", "Last window", "right"),
    Column("rate", "Rate", "right"),
    Column("p99", "p99 latency", "right"),
    Column("drift", "Drift"),
    Column("endpoint", "Endpoint"),
)
_WINDOWS = (
    Column("start", "Window"),
    Column("deployment", "Deployment"),
    Column("version", "Version", "right"),
    Column("rows", "Predictions", "right"),
    Column("errors", "Errors", "right"),
    Column("p50", "p50, ms", "right"),
    Column("p99", "p99, ms", "right"),
    Column("mean", "Mean output", "right"),
    Column("outcome", "Outcome"),
)
_SHOWN_WINDOWS = 60


def register(console: Console) -> None:
    @ui.page("/deployments")
    def deployments() -> None:
        with frame(console, "Deployments", room="Deployments"):
            with tag("div", "m-head"):
                text("h1", "Deployments")
            serving = Table("Deployments and their last measured window", _DEPLOYMENTS)
            with serving:
                text("p", "Nothing serves yet. A version that is approved is rolled out at once:")
                text("pre", "murmur approve credit 1 --reason …", "m-command")
            text("h2", "Measured windows, newest first")
            windows = Table("Measured windows, newest first", _WINDOWS)
            with windows:
                text("p", "No window was measured yet: windows close once a deployment has answered predictions.")

            def refresh() -> None:
                estate = console.memory.estate
                told = [one for _, one in sorted(estate.deployments.items()) if one.deployed or one.failed]
                serving.show(map(_row, told))
                measured = [(one.name, window) for one in told for window in one.windows]
                newest = sorted(measured, key=lambda pair: pair[1].start, reverse=True)[:_SHOWN_WINDOWS]
                windows.show(_window(name, one) for name, one in newest)

            keep_up(lambda: console.memory.revision, refresh)


def _row(history: History) -> Row:
    last, serving = history.latest_window(), history.serving
    return Row(
        history.name,
        {
            "name": table.link(history.name, path_of(history.name)),
            "version": table.text(
                f"v{serving.version}" if serving else "nothing",
                tone=Tone.TROUBLE if history.trouble else Tone.PLAIN,
                note=history.trouble or _canary(history),
            ),
            "since": table.when(serving.at if serving else None),
            "rows": table.text(f"{last.rows:,} predictions" if last else "none"),
            "rate": table.text(f"{last.rate:.1f}/s" if last else ""),
            "p99": table.text(f"{last.latency_p99_ms:.1f} ms" if last and last.latency_p99_ms is not None else ""),
            "drift": _drift(history),
            "endpoint": table.text(serving.endpoint if serving else ""),
        },
    )


def _canary(history: History) -> str:
    canary = history.canary
    return f"v{canary.start.version} gets {canary.share}" if canary else ""


def _drift(history: History) -> Cell:
    last = history.latest_window()
    if history.drifts and last and last.outcome == "drift":
        return table.text("drifting", tone=Tone.CAUTION, note=", ".join(history.drifts[-1].features[:3]))
    return table.text("stable" if last else "not measured")


def _window(name: str, window: Window) -> Row:
    return Row(
        f"{name} {window.version} {window.start.isoformat()}",
        {
            "start": table.when(window.start),
            "deployment": table.text(name),
            "version": table.text(f"v{window.version}"),
            "rows": table.text(f"{window.rows:,}"),
            "errors": table.count(window.errors, tone=Tone.TROUBLE),
            "p50": _number(window.latency_p50_ms, 1),
            "p99": _number(window.latency_p99_ms, 1),
            "mean": _number(window.output_mean, 3),
            "outcome": table.text(
                window.outcome.replace("_", " "),
                tone=Tone.CAUTION if window.outcome == "drift" else Tone.PLAIN,
                note=window.detail,
            ),
        },
    )


def _number(value: float | None, digits: int) -> Cell:
    return table.text(f"{value:.{digits}f}" if value is not None else "")
