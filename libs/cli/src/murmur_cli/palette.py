"""The colour of each service, the same in terminal, console, charts and pictures."""

SERVICE_COLOURS = {
    "tracking": "#6488b5",
    "registry": "#8a7fb8",
    "trainer": "#4f9484",
    "validator": "#9d8350",
    "deployer": "#66944f",
    "monitor": "#b0708a",
    "client": "#7d8590",
    "model-server": "#4393ad",
}


def colour_of(service: str) -> str:
    """A service's colour; whoever is no service publishes as a client."""
    return SERVICE_COLOURS.get(service, SERVICE_COLOURS["client"])
