"""The colour of each service, the same in terminal, console, charts and pictures."""

SERVICE_COLOURS = {
    "client": "#7d8590",
    "trainer": "#4f9484",
    "registry": "#8a7fb8",
    "validator": "#9d8350",
    "deployer": "#66944f",
    "monitor": "#b0708a",
    "tracking": "#6488b5",
    "model-server": "#4393ad",
    "audit": "#8b7f76",
}
"""In the order of the lanes: from the wish for a model to the watching of it."""


def colour_of(service: str) -> str:
    """A service's colour, or that of one of its replicas; whoever is no service publishes as a client."""
    return SERVICE_COLOURS.get(service.rstrip("0123456789").rstrip("-"), SERVICE_COLOURS["client"])
