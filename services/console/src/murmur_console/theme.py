"""What every page's head holds: the style sheets, the little scripts, nothing from any other host."""

from pathlib import Path

from nicegui import app, ui

_STATIC = Path(__file__).parent / "static"
_ADDRESS = "/static"
_SHEETS = (
    *("base", "frame", "freezes", "controls", "tables", "workflow", "timeline", "deployment", "research", "signing"),
    "narrow",
)
"""In this order: the last says what changes on narrow screens."""


def install() -> None:
    app.add_static_files(_ADDRESS, _STATIC, max_cache_age=0)
    sheets = "".join(f'<link rel="stylesheet" href="{_ADDRESS}/{name}.css">' for name in _SHEETS)
    ui.add_head_html(
        '<meta name="color-scheme" content="light dark">'
        f"{sheets}"
        f'<script src="{_ADDRESS}/format.js"></script>'
        f'<script src="{_ADDRESS}/keys.js" defer></script>',
        shared=True,
    )
