"""Which dead letters are looked at: it stands in the address, so that a look can be sent to somebody."""

from collections.abc import Sequence
from dataclasses import dataclass

from murmur_console.context import Console
from murmur_console.pages.parts import tag, text
from murmur_events.catalog import SERVICES
from murmur_kernel.dead_letters_api import DeadLetterView

_ERRORS = ("InvalidPayload", "NotAnEnvelope", "Expired", "UnknownTopic")


@dataclass(frozen=True)
class LetterFilter:
    """Empty: any."""

    service: str = ""
    topic: str = ""
    error: str = ""

    @property
    def address(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}

    @property
    def which(self) -> dict[str, str]:
        """As the services are asked."""
        return {name: value for name, value in (("topic", self.topic), ("error", self.error)) if value}

    @property
    def query(self) -> dict[str, str]:
        return self.which | {"limit": "50"}

    def fits(self, letter: DeadLetterView) -> bool:
        return self.topic in ("", letter.topic) and self.error in ("", letter.error)


def show_filter(console: Console, wanted: LetterFilter) -> None:
    """A plain form: the browser puts what is chosen into the address."""
    standings = console.roster.standings.values()
    topics = sorted({topic for standing in standings for topic in standing.counts} | {wanted.topic} - {""})
    errors = sorted({letter.error for one in standings for letter in one.letters} | {wanted.error, *_ERRORS} - {""})
    with tag("form", "m-filter", action="/dead-letters", method="get", aria_label="Which dead letters"):
        _choice("service", "Service", SERVICES, wanted.service)
        _choice("topic", "Event", topics, wanted.topic)
        _choice("error", "Error", errors, wanted.error)
        text("button", "Show", "m-button", type="submit")
        if wanted.address:
            text("a", "Show all", href="/dead-letters")


def _choice(name: str, label: str, options: Sequence[str], chosen: str) -> None:
    with tag("label"):
        text("span", label)
        with tag("select", name=name):
            for option in ("", *options):
                selected = {"selected": True} if option == chosen else {}
                text("option", option or "any", value=option, **selected)
