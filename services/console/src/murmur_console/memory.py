"""All that the console has heard: the story of events, what stands, and how the feed is doing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from murmur_console.domain.estate import Estate
from murmur_console.domain.story import Progress, Story
from murmur_console.reading import fact_of
from murmur_console.standing import fold
from murmur_events import Envelope
from murmur_events.runs import RunLogged


class FeedState(StrEnum):
    """How the console hears of events."""

    CONNECTING = "connecting"
    READING_PAST = "reading the past"
    LIVE = "live"
    AWAY = "away"


@dataclass(frozen=True)
class FeedStatus:
    """`since` is when this state began; `detail` says what is wrong when it is away."""

    state: FeedState
    since: datetime
    detail: str = ""


class Memory:
    """Written by the feed alone, read by every page. `revision` grows with each change."""

    def __init__(self, *, capacity: int = 20_000) -> None:
        self.story = Story(capacity)
        self.estate = Estate()
        self.feed = FeedStatus(FeedState.CONNECTING, datetime.now(UTC))
        self.heard: datetime | None = None
        self._changes = 0

    @property
    def revision(self) -> int:
        return self._changes + self.story.revision

    def hear(self, envelope: Envelope) -> None:
        """An event, for the first time or again."""
        if isinstance(envelope.event, RunLogged):
            self._hear_run(envelope.event)
        elif self.story.add(fact_of(envelope)):
            fold(self.estate, envelope)
        self.heard = max(self.heard or envelope.time, envelope.time)

    def feed_is(self, state: FeedState, detail: str = "") -> None:
        if (state, detail) != (self.feed.state, self.feed.detail):
            since = self.feed.since if state is self.feed.state else datetime.now(UTC)
            self.feed = FeedStatus(state, since, detail)
            self._changes += 1

    def _hear_run(self, event: RunLogged) -> None:
        known = self.story.progress.get(event.run_id)
        done = event.progress if event.progress is not None else known.done if known else None
        line = event.lines[-1] if event.lines else known.line if known else ""
        self.story.note_progress(event.run_id, Progress(done, line))
