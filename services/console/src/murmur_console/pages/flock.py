"""The flock: each service, whether it is well, and how much it still has to do."""

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.estate import Alert
from murmur_console.domain.facts import Fact, Tone
from murmur_console.domain.words import duration
from murmur_console.pages.frame import feed_words, frame
from murmur_console.pages.parts import keep_up, tag, text
from murmur_console.roster import Standing
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_COLUMNS = (
    Column("service", "Service"),
    Column("state", "State"),
    Column("lag", "Lag", "right"),
    Column("outbox", "Outbox", "right"),
    Column("parked", "Parked", "right"),
    Column("letters", "Dead letters", "right"),
    Column("jobs", "Jobs", "right"),
    Column("seen", "Last answer", "right"),
)
_LATEST = (
    Column("time", "Time"),
    Column("service", "Service"),
    Column("topic", "Event"),
    Column("what", "What it says"),
)
_ALERTS = (
    Column("since", "Since"),
    Column("service", "Noticed by"),
    Column("about", "About"),
    Column("title", "What"),
)
_SHOWN_ALERTS = 50
_OLD_OUTBOX_SECONDS = 5.0
_SHOWN_EVENTS = 20


def register(console: Console) -> None:
    @ui.page("/")
    def flock() -> None:
        with frame(console, "Flock", room="Flock"):
            with tag("div", "m-head"):
                text("h1", "Flock")
                summary = text("p", "", "m-muted")
            services = Table("The services of the flock and how they are", _COLUMNS)
            _glossary()
            text("h2", "Alerts")
            alerts = Table("What wants attention now", _ALERTS).classes("m-lines")
            with alerts:
                text("p", "Nothing wants attention: no alert is raised.")
            text("h2", "Latest events")
            latest = Table("Latest events of all chains", _LATEST).classes("m-lines")
            with latest:
                text("p", "Nothing has happened yet. Begin with the credit workflow:")
                text("pre", "murmur demo", "m-command")

            def refresh() -> None:
                standings = list(console.roster.standings.values())
                well = sum(one.is_well for one in standings)
                events = f"{len(console.memory.story):,} events in memory from {console.source}, {feed_words(console)}"
                summary.text = f"{well} of {len(standings)} services ready. {events}."
                services.show(_row(one) for one in standings)
                alerts.show(_alert(console, one) for one in console.memory.estate.raised()[:_SHOWN_ALERTS])
                latest.show(_event(console, fact) for fact in console.memory.story.latest(_SHOWN_EVENTS))

            keep_up(lambda: (console.roster.revision, console.memory.revision), refresh)


def _row(standing: Standing) -> Row:
    known = standing.readiness
    cells: dict[str, Cell] = {"service": table.service(standing.service), "state": _state(standing)}
    if known is None:
        cells |= {key: table.text("") for key in ("lag", "outbox", "parked", "letters", "jobs")}
    else:
        late = known.outbox_age_s > _OLD_OUTBOX_SECONDS
        waiting = known.jobs.get("queued", 0)
        cells |= {
            "lag": table.count(known.lag),
            "outbox": table.count(
                known.outbox,
                tone=Tone.CAUTION if late else Tone.PLAIN,
                note=f"oldest {duration(known.outbox_age_s)}" if late else "",
            ),
            "parked": table.count(known.parked, tone=Tone.CAUTION),
            "letters": _letters(standing),
            "jobs": table.text(known.jobs.get("running", 0), note=f"{waiting} queued" if waiting else ""),
        }
    cells["seen"] = table.when(standing.seen)
    return Row(standing.service, cells)


def _alert(console: Console, alert: Alert) -> Row:
    chain = console.memory.story.chain(alert.chain)
    workflow = (console.memory.story.workflow_of(chain) if chain else None) or "other"
    tone = Tone.TROUBLE if alert.severity == "critical" else Tone.CAUTION
    return Row(
        alert.id,
        {
            "since": table.when(alert.at),
            "service": table.service(alert.service),
            "about": table.link(alert.about, f"/workflows/{workflow}?chain={alert.chain}"),
            "title": table.text(alert.title, tone=tone, note=alert.detail),
        },
    )


def _state(standing: Standing) -> Cell:
    if standing.trouble is not None:
        return table.text("away", tone=Tone.TROUBLE, note=standing.trouble)
    if standing.readiness is None:
        return table.text("not asked yet")
    if standing.readiness.ready:
        return table.text("ready")
    why = "; ".join(f"{name}: {check.detail}" for name, check in standing.readiness.checks.items() if not check.ok)
    return table.text("not ready", tone=Tone.TROUBLE, note=why)


def _letters(standing: Standing) -> Cell:
    number = standing.readiness.dead_letters if standing.readiness else 0
    if not number:
        return table.text(0)
    return table.link(number, f"/dead-letters?service={standing.service}", tone=Tone.TROUBLE)


def _event(console: Console, fact: Fact) -> Row:
    chain = console.memory.story.chain(fact.correlation_id)
    workflow = (console.memory.story.workflow_of(chain) if chain else None) or "other"
    return Row(
        fact.id,
        {
            "time": table.clock(fact.time),
            "service": table.service(fact.service),
            "topic": table.link(fact.topic, f"/workflows/{workflow}?chain={fact.correlation_id}&event={fact.id}"),
            "what": table.text(fact.headline, tone=fact.tone),
        },
    )


def _glossary() -> None:
    with tag("dl", "m-terms"):
        for term, meaning in (
            ("Lag", "events that the service has not handled yet"),
            ("Outbox", "events it has committed and not yet published; an old one means that the broker is away"),
            ("Parked", "events that wait for something they refer to; after a deadline they become dead letters"),
            ("Dead letters", "events it could not handle: look at them, then hand them over again"),
        ):
            text("dt", term)
            text("dd", meaning)
