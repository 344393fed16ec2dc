"""How what was brought over from another server is told from what was made here: by its tags."""

from collections.abc import Mapping

INCOMPLETE = "murmur.import.incomplete"
"""Says why something is not whole: it is still being brought over, or something of it could not be had."""

DIGEST = "murmur.imported.digest"
"""Of how the source described it when it was taken as a whole. Who has it was imported."""


def is_imported(tags: Mapping[str, str]) -> bool:
    """Whether a further call of an import may change it."""
    return INCOMPLETE in tags or DIGEST in tags
