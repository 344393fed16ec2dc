"""The hue of each service, the same in terminal, console, charts and pictures; pure, so that anybody may copy it.

Muted, of like lightness, and at least 3:1 against both the light and the dark ground: marks need no second set. Red and
amber are not among them: those mean trouble.
"""

SERVICE_HUES = {
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


def hue_of(service: str) -> str:
    """Whoever is no service publishes as a client."""
    return SERVICE_HUES.get(service, SERVICE_HUES["client"])
