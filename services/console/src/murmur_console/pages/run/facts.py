"""What a run was told and made of: parameters, tags, data, code, environment, hardware."""

from murmur_console.domain.numbers import size
from murmur_console.pages.details import show_pairs
from murmur_console.pages.parts import tag, text
from murmur_console.research import Provenance, RunDetail


def show_facts(found: RunDetail) -> None:
    """Fills the place that it is called within."""
    _section("Parameters", dict(found.parameters or {}), "It was told none.")
    _section("Tags", dict(found.tags), "It has none.")
    _section("Data", _data(found), "It has not said which data it read.")
    _section("Code and environment", _provenance(found), "It has not said which code it ran.")


def _section(title: str, pairs: dict[str, object], nothing: str) -> None:
    with tag("section", aria_label=title):
        text("h2", title)
        if pairs:
            show_pairs(pairs)
        else:
            text("p", nothing, "m-muted")


def _data(found: RunDetail) -> dict[str, object]:
    said: dict[str, object] = {}
    if (one := found.dataset) is not None:
        said[one.name] = f"{one.digest} · as of {one.as_of} · {one.train_rows:,} rows, {one.holdout_rows:,} held out"
    return said | {one.name: f"{one.digest} · {one.source_type} · {one.source}" for one in found.datasets}


def _provenance(found: RunDetail) -> dict[str, object]:
    said: dict[str, object] = {}
    if (told := found.provenance) is not None:
        said = {**_source(told), "code": told.code.sha256, "environment": told.environment.sha256}
        said |= {"packages": f"lock {told.lock}"} if told.lock else {}
        said |= {"python": told.interpreter} if told.interpreter else {}
        said |= {"platform": told.platform} if told.platform else {}
        said |= {"hardware": words} if (words := _hardware(told)) else {}
        said |= {"seed": told.seed, "workflow revision": told.revision}
    if found.model is not None:
        said["model"] = f"{found.model.format} · {found.model.model.sha256}"
    if found.log is not None:
        said["log"] = found.log.sha256
    return said


def _source(told: Provenance) -> dict[str, object]:
    if (source := told.source) is None:
        return {}
    if not source.dirty:
        changes = "none"
    else:
        changes = f"diff {source.diff.sha256}" if source.diff else "there were some; they are in the code"
    return {"commit": source.commit, "uncommitted changes": changes}


def _hardware(told: Provenance) -> str:
    if (one := told.hardware) is None:
        return ""
    parts = (
        one.processor or "",
        one.machine or "",
        _counted(one.cores, "core"),
        size(one.memory) if one.memory else "",
        _counted(one.threads, "thread"),
    )
    return " · ".join(filter(None, parts))


def _counted(number: int | None, what: str) -> str:
    return "" if number is None else f"{number} {what}" + ("" if number == 1 else "s")
