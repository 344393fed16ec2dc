"""How to read a timeline."""

from murmur_console.pages.parts import tag, text

_SIGNS = (
    ("event", "event"),
    ("root", "begins the chain"),
    ("caution", "somebody should know"),
    ("trouble", "failed"),
    ("work", "a service works"),
    ("wait", "something is waited for"),
    ("fold", "a long silence, drawn short"),
)


def show_legend() -> None:
    with tag("ul", "m-legend", aria_label="How to read the timeline"):
        for sign, meaning in _SIGNS:
            with tag("li"):
                tag("i", f"m-sign m-sign-{sign}", aria_hidden="true")
                text("span", meaning)
        text("li", "time runs to the right, stretched where much happens at once; arrow keys walk along it")
