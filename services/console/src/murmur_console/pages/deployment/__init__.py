"""One deployment: how it serves, a prediction tried, a prediction looked up; each at an address of its own."""

from murmur_console.context import Console
from murmur_console.pages.deployment import looking_up, overview, trying


def register(console: Console) -> None:
    for page in (overview, trying, looking_up):
        page.register(console)
