"""One line for an event, whatever it is: the modules beside this one know each kind."""

from functools import singledispatch

from murmur_events import Event


@singledispatch
def describe(event: Event) -> str:
    """What a person wants to know of an event, in one line."""
    return ""
