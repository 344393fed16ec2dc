"""One run: what it was told, what it measured, its artifacts, where it came from; repeated, shared, compared."""

from murmur_console.context import Console
from murmur_console.pages.run import overview


def register(console: Console) -> None:
    overview.register(console)
