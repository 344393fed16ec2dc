"""One event, opened: what it says, its headers and payload, its cause and its effects."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from murmur_console.domain.chains import Chain
from murmur_console.domain.facts import Fact
from murmur_console.pages.parts import button, tag, text


def pretty(payload: object) -> str:
    """Indented JSON; a text that is no JSON as it is."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return str(payload)
    return json.dumps(payload, indent=2, ensure_ascii=False)


def show_pairs(pairs: Mapping[str, object]) -> None:
    with tag("dl", "m-pairs"):
        for name, value in pairs.items():
            text("dt", name)
            text("dd", str(value))


def show_fact(chain: Chain, fact: Fact, *, on_pick: Callable[[str], object]) -> None:
    text("h2", fact.topic)
    text("p", fact.headline)
    show_pairs({"service": fact.service, "time": _exact(fact.time), "id": fact.id})
    cause = chain.get(fact.causation_id or "")
    text("h3", "Cause")
    if cause is not None:
        _links([cause], on_pick)
    else:
        known = "not in this console's memory" if fact.causation_id else "none: it begins the chain"
        text("p", known, "m-muted")
    effects = chain.effects_of(fact.id)
    text("h3", "Effects")
    if effects:
        _links(effects, on_pick)
    else:
        text("p", "none yet", "m-muted")
    _folded("Payload", pretty(dict(fact.payload)))
    with tag("details"):
        text("summary", "Headers")
        show_pairs(fact.headers)


def _links(facts: Iterable[Fact], on_pick: Callable[[str], object]) -> None:
    with tag("ul", "m-links"):
        for fact in facts:
            with tag("li"):
                button(f"{fact.topic}  {fact.label}", partial(on_pick, fact.id), "m-link", title=fact.headline)


def _folded(title: str, content: str) -> None:
    with tag("details"):
        text("summary", title)
        text("pre", content, "m-payload", tabindex="0")


def _exact(time: datetime) -> str:
    return time.astimezone().isoformat(sep=" ", timespec="milliseconds")
