"""A shared run as a page of its own: no script, nothing fetched, fit for paper. All that it shows is escaped."""

import math
from collections.abc import Iterable, Mapping
from html import escape

from murmur_tracking.domain.provenance import CLEAN, told_in
from murmur_tracking.domain.shares import Share
from murmur_tracking.schemas import CurveView, ProvenanceView, RunDetailView, SnapshotView

_WIDTH, _HEIGHT, _MARGIN = 320, 120, 6
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}p{margin:.3rem 0}.quiet{color:#595959}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top;
border-bottom:1px solid #ddd;overflow-wrap:anywhere}th{font-weight:500;width:18rem}td{font-variant-numeric:tabular-nums}
.curves{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;break-inside:avoid}figcaption{font-size:.85rem}
svg{border:1px solid #ddd}polyline{fill:none;stroke:#0b57a4;stroke-width:1.5}circle{fill:#0b57a4}
@media(prefers-color-scheme:dark){@media screen{body{color:#e8e8e8;background:#161616}.quiet{color:#a8a8a8}
th,td,svg{border-color:#444}polyline{stroke:#7ab8f5}circle{fill:#7ab8f5}}}
"""


def snapshot_page(shown: SnapshotView, share: Share) -> str:
    run = shown.run
    reason = f"<p>{escape(share.reason)}</p>" if share.reason else ""
    failure = f"<p>{escape(run.failure.cause)}: {escape(run.failure.message)}</p>" if run.failure else ""
    body = (
        f"<h1>{escape(run.name or run.run_id)}</h1><p>Run {escape(run.run_id)}: {run.status.value}</p>{failure}{reason}"
        f'<p class="quiet">As it was on {share.shared_at:%Y-%m-%d %H:%M} UTC, shared by {escape(share.by)}; this page'
        f" can be seen until {share.expires_at:%Y-%m-%d %H:%M} UTC.</p>"
        + _table("Metrics", run.metrics)
        + _curves(shown)
        + _table("Parameters", run.parameters or {})
        + _table("Provenance", _provenance(run))
        + _table("Tags", run.tags)
    )
    return _page(run.name or run.run_id, body)


def gone_page(why: str) -> str:
    return _page("Nothing to see", f"<h1>Nothing to see here</h1><p>{escape(why[0].upper() + why[1:])}.</p>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _table(title: str, values: Mapping[str, object]) -> str:
    if not values:
        return ""
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{_text(values[name])}</td></tr>' for name in values)
    return f"<h2>{title}</h2><table>{rows}</table>"


def _text(value: object) -> str:
    if value is None:
        return "not a finite number"
    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))


def _provenance(run: RunDetailView) -> dict[str, object]:
    found: dict[str, object] = {"started": run.started_at.isoformat(" ", "seconds")}
    if run.ended_at:
        found["ended"] = run.ended_at.isoformat(" ", "seconds")
    found |= {"user": run.user} if run.user else {}
    if run.workflow:
        found |= {"workflow": run.workflow, "revision": run.revision}
    found |= told_in(run.tags)
    if (told := run.provenance) is not None:
        found |= _made_of(told)
    if run.dataset:
        found |= {f"data set {run.dataset.name}": run.dataset.digest}
    if run.model:
        found |= {"model sha256": run.model.model.sha256}
    return found | {f"data set {one.name}": one.digest for one in run.datasets}


def _made_of(told: ProvenanceView) -> dict[str, object]:
    """What was not recorded is left out."""
    found: dict[str, object] = {}
    if (source := told.source) is not None:
        changes = f"diff {source.diff.sha256}" if source.diff else "some, of which no diff was kept"
        found = {"commit": source.commit, "uncommitted changes": changes if source.dirty else CLEAN}
    found |= {"code sha256": told.code.sha256, "environment sha256": told.environment.sha256}
    found |= {"lock of packages": told.lock, "python": told.interpreter, "platform": told.platform, "seed": told.seed}
    if (one := told.hardware) is not None:
        memory = f"{one.memory / 1e9:.1f} GB" if one.memory else None
        found |= {"processor": one.processor, "machine": one.machine, "cores": one.cores, "memory": memory}
        found |= {"threads": one.threads}
    return {name: value for name, value in found.items() if value is not None}


def _curves(shown: SnapshotView) -> str:
    figures = "".join(_figure(one.metric, curve) for one in shown.histories for curve in one.curves)
    return f'<h2>Curves</h2><div class="curves">{figures}</div>' if figures else ""


def _figure(metric: str, curve: CurveView) -> str:
    """Nothing for a metric that has one value only: the table says it."""
    points = [(step, value) for step, value in zip(curve.step, curve.value, strict=True) if _is_number(value)]
    if len(points) < 2:
        return ""
    steps, values = [float(step) for step, _ in points], [value or 0.0 for _, value in points]
    x, y = _scaled(steps, _WIDTH), _scaled(values, _HEIGHT)
    line = " ".join(f"{across:.1f},{_HEIGHT - up:.1f}" for across, up in zip(x, y, strict=True))
    said = f"{metric} from {values[0]:.6g} at step {steps[0]:.0f} to {values[-1]:.6g} at step {steps[-1]:.0f}"
    return (
        f'<figure><svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(said, quote=True)}">'
        f'<polyline points="{line}"/></svg><figcaption>{escape(metric)}: {min(values):.6g} to {max(values):.6g}, steps'
        f" {steps[0]:.0f} to {steps[-1]:.0f}</figcaption></figure>"
    )


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _scaled(values: Iterable[float], size: int) -> list[float]:
    known = list(values)
    low, high = min(known), max(known)
    inner, spread = size - 2 * _MARGIN, high / 2 - low / 2  # halves: their difference stays finite
    return [_MARGIN + (inner * (value / 2 - low / 2) / spread if spread else inner / 2) for value in known]
