"""The terminal cannot import a service, so the palette stands twice: here it is held to be one."""

from murmur_cli.palette import SERVICE_COLOURS
from murmur_console.palette import SERVICE_HUES


def test_terminal_and_console_show_each_service_in_the_same_colour_and_order() -> None:
    assert list(SERVICE_COLOURS.items()) == list(SERVICE_HUES.items())
