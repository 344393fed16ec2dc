"""What every page stands in: the rail, the search field, how the console hears, the way past all that by keyboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.facts import WorkKind
from murmur_console.domain.words import duration
from murmur_console.memory import FeedState
from murmur_console.pages.freezes import show_freezes
from murmur_console.pages.parts import keep_up, tag, text


@dataclass(frozen=True)
class Room:
    name: str
    path: str
    icon: str


ROOMS = (
    Room("Flock", "/", "hub"),
    Room("Workflows", "/workflows", "timeline"),
    Room("Experiments", "/experiments", "science"),
    Room("Models", "/models", "inventory_2"),
    Room("Deployments", "/deployments", "monitor_heart"),
    Room("Dead letters", "/dead-letters", "mail_lock"),
    Room("Audit", "/audit", "fact_check"),
)


@contextmanager
def frame(console: Console, title: str, *, room: str, search: str = "") -> Iterator[None]:
    """A page's surroundings; what is built inside becomes its main part."""
    ui.page_title(f"{title} · Murmuration")
    with tag("div", "m-frame"):
        text("a", "Skip to the content", "m-skip", href="#main")
        _rail(console, room)
        _bar(console, search)
        with tag("main", "m-main", id="main", tabindex="-1"):
            yield


def _rail(console: Console, here: str) -> None:
    with tag("nav", "m-rail", aria_label="Rooms"):
        badges = {}
        for room in ROOMS:
            current = {"aria_current": "page"} if room.name == here else {}
            with tag("a", href=room.path, **current):
                ui.icon(room.icon).props("aria-hidden=true")
                text("span", room.name)
                badges[room.name] = text("b", "", "m-badge")

    def refresh() -> None:
        for name, (number, meaning) in _wants_attention(console).items():
            badges[name].text = f"{number}" if number else ""
            badges[name].props["aria-label"] = f", {number} {meaning}" if number else ""

    keep_up(lambda: (console.memory.revision, console.roster.revision), refresh)


def _wants_attention(console: Console) -> dict[str, tuple[int, str]]:
    standings = console.roster.standings.values()
    reviews = sum(
        bar.work.kind is WorkKind.REVIEW for chain in console.memory.story.chains() for bar in chain.open_bars
    )
    return {
        "Flock": (sum(one.is_unwell for one in standings), "unwell"),
        "Workflows": (reviews, "waiting for a review"),
        "Dead letters": (sum(one.readiness.dead_letters for one in standings if one.readiness), "waiting for a person"),
    }


def _bar(console: Console, search: str) -> None:
    with tag("header", "m-bar"):
        text("a", "Murmuration", "m-name", href="/")
        with tag("form", "m-search", role="search", action="/find", method="get"):
            tag(
                "input",
                id="search",
                name="q",
                type="search",
                value=search,
                placeholder="Find an id: run, model, request …",
                aria_label="Find an id: run, model version, correlation, event, request. The slash key comes here.",
                autocomplete="off",
                spellcheck="false",
            )
            text("kbd", "/", aria_hidden="true")
        show_freezes(console)
        status = text("p", "", "m-feed", role="status")
        _person(console)

    def refresh() -> None:
        words = feed_words(console)
        if status.text != words:
            status.text = words
            status.classes(replace=f"m-feed m-feed-{console.memory.feed.state.name.lower()}")

    refresh()
    ui.timer(1.0, refresh, immediate=False)


def _person(console: Console) -> None:
    """Who is signed in, and the way out; nothing where nobody is asked."""
    session = console.sessions.here()
    if session is None:
        return
    roles = ", ".join(sorted(session.person.roles))
    with tag("form", "m-person", action="/sign-out", method="post", aria_label="Signed in"):
        text("span", session.person.subject, title=f"signed in with {roles}")
        text("button", "Sign out", "m-button", type="submit")


def feed_words(console: Console) -> str:
    """How the console hears, in few words; when it does not, since when, so that nothing old is taken for new."""
    feed = console.memory.feed
    age = duration(float(int((datetime.now(UTC) - feed.since).total_seconds())))
    match feed.state:
        case FeedState.LIVE:
            return "live"
        case FeedState.READING_PAST:
            return f"reading the past: {len(console.memory.story):,} events"
        case FeedState.CONNECTING:
            return "connecting to the broker"
        case FeedState.AWAY:
            return f"broker away for {age}; this is what was known then"
