"""Whether a run that repeats another came out as that one did, and what may explain it if not."""

from murmur_console.domain.numbers import by_how_much, precise
from murmur_console.pages.parts import tag, text
from murmur_console.pages.run_rows import run_path
from murmur_console.research import Reproduction
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_WORDS = {
    "identical": "The same model, to the last bit.",
    "equivalent": "Another model file, and no metric differs by more than numbers are kept with.",
    "different": "Another model: what differs is below.",
}
_METRICS = (
    Column("name", "Metric"),
    Column("original", "Original", "right"),
    Column("reproduced", "This run", "right"),
    Column("difference", "Difference", "right"),
)
_LONGEST = 60
_CIRCUMSTANCES = (Column("name", "What differed"), Column("original", "Original"), Column("reproduced", "This run"))


def show_verdict(found: Reproduction) -> None:
    """Fills the place that it is called within."""
    with tag("section", "m-section m-repeated", aria_label="Reproduction"):
        text("h2", "Reproduction")
        with tag("p", "m-verdict"):
            text("strong", found.verdict.capitalize(), "m-trouble" if found.verdict == "different" else "")
            text("span", _WORDS.get(found.verdict, ""))
            text("span", "It repeats")
            text("a", found.of, href=run_path(found.of))
        same = found.original_sha256 == found.reproduced_sha256
        digests = [found.original_sha256, *([] if same else [found.reproduced_sha256])]
        text("p", f"Model SHA-256 {' became '.join(digests)}{' in both' if same else ''}", "m-muted m-digests")
        if found.metrics:
            shown = Table("Metrics that are not the same number", _METRICS)
            shown.show(
                Row(
                    one.name,
                    {
                        "name": table.text(one.name),
                        "original": table.text(precise(one.original)),
                        "reproduced": table.text(precise(one.reproduced)),
                        "difference": table.text(by_how_much(one.difference)),
                    },
                )
                for one in found.metrics
            )
        if found.differences:
            shown = Table("What was not the same around the two", _CIRCUMSTANCES)
            shown.show(
                Row(
                    f"{one.what} {one.name}",
                    {
                        "name": table.text(f"{one.what}: {one.name}"),
                        "original": table.text(_said(one.original), title=one.original or ""),
                        "reproduced": table.text(_said(one.reproduced), title=one.reproduced or ""),
                    },
                )
                for one in found.differences
            )


def _said(words: str | None) -> str:
    if words is None:
        return "–"
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
