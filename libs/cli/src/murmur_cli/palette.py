"""The colour of each service, the same in terminal, console, charts and pictures."""

SERVICE_COLOURS = {
    "tracking": "#6f8fb3",
    "registry": "#8a7fb8",
    "trainer": "#5f9e8f",
    "validator": "#b0894f",
    "deployer": "#6c9a5b",
    "monitor": "#b0708a",
    "client": "#7d8590",
    "model-server": "#4f97ad",
}


def colour_of(service: str) -> str:
    """A service's colour; whoever is no service publishes as a client."""
    return SERVICE_COLOURS.get(service, SERVICE_COLOURS["client"])
