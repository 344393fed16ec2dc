"""What a person wants to know of each event, in one line."""

from murmur_cli.words import making, serving
from murmur_cli.words.describing import describe

__all__ = ["describe", "making", "serving"]
