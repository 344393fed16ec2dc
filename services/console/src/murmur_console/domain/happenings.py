"""What happened to a deployment, as the vertical lines of its charts and the lines of its list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from murmur_console.domain.charts import Mark, MarkKind
from murmur_console.domain.facts import Tone
from murmur_console.domain.history import History, shares


@dataclass(frozen=True)
class Happening:
    """label: a few words beside its number. words: the whole of it. chain: where it was told."""

    at: datetime
    kind: MarkKind
    label: str
    words: str
    chain: str
    tone: Tone = Tone.PLAIN


def happenings(history: History) -> list[Happening]:
    """In the order of time."""
    return sorted(_all(history), key=lambda one: one.at)


def marks(found: list[Happening]) -> tuple[Mark, ...]:
    """Numbered from 1, as the list is."""
    return tuple(Mark(number, one.at, one.kind, one.label) for number, one in enumerate(found, 1))


def _all(history: History) -> Iterator[Happening]:
    for one in history.deployed:
        left = f" in the place of v{one.replaces}" if one.replaces and one.replaces != one.version else ""
        yield Happening(one.at, "deployed", f"v{one.version} serves", f"v{one.version} serves{left}", one.chain)
    for start in history.canaries:
        first = shares(start.steps)[0]
        words = f"v{start.version} gets {first} of the requests and is compared with v{start.against}"
        yield Happening(start.at, "canary", f"v{start.version} canary, {first}", words, start.chain)
    for judged in history.judgements:
        if judged.verdict == "advance":
            words = f"v{judged.version} has passed step {judged.step} of {judged.steps}: {judged.detail}"
            yield Happening(judged.at, "canary", f"v{judged.version} step {judged.step} passed", words, judged.chain)
    for back in history.rolled_back:
        words = f"v{back.version} was rolled back to v{back.serving} by {back.by}: {back.reason}"
        yield Happening(back.at, "back", f"v{back.version} rolled back", words, back.chain, Tone.CAUTION)
    for failed in history.failed:
        tone = Tone.CAUTION if failed.cause == "superseded" else Tone.TROUBLE
        words = f"v{failed.version}, {failed.cause}: {failed.message}"
        yield Happening(failed.at, "failed", f"v{failed.version} {failed.cause}", words, failed.chain, tone)
    for drift in history.drifts:
        names = ", ".join(drift.features[:3]) + (f" and {len(drift.features) - 3} more" if drift.features[3:] else "")
        yield Happening(drift.at, "drift", "drift", f"v{drift.version} drifted in {names}", drift.chain, Tone.CAUTION)
    for worse in history.degradations:
        metric = worse.metric.replace("_", " ")
        words = f"v{worse.version} has become worse: {worse.detail}"
        yield Happening(worse.at, "worse", f"worse {metric}", words, worse.chain, Tone.CAUTION)
