"""Remembers as what a home was raised, so that later commands need not be told again, and that two kinds do not mix."""

import json
from contextlib import suppress

from murmur_runtime.errors import OtherProfile
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.settings import FlockSettings, Profile

_KEPT = ("profile", "store", "artifacts", "replicas")


def recall(settings: FlockSettings) -> FlockSettings:
    """The settings, completed with what this home was raised with where the environment does not say it."""
    recorded = _recorded(Home(settings.home))
    told = {name: getattr(settings, name) for name in settings.model_fields_set}
    return FlockSettings(**{**recorded, **told}) if recorded else settings


def remember(settings: FlockSettings, home: Home) -> None:
    """Raises OtherProfile where the home holds a flock of the other profile."""
    recorded = _recorded(home)
    held = Profile(recorded["profile"]) if recorded else _found(home)
    if held is not None and held is not settings.profile:
        raise OtherProfile(home.root, str(held), str(settings.profile))
    if settings.profile is not Profile.EMBEDDED:
        kept = settings.model_dump(mode="json", include=set(_KEPT))
        # Not for other users: the address of a store may carry a password.
        write_atomically(home.profile, json.dumps(kept, indent=1) + "\n", mode=0o600)


def environment(settings: FlockSettings) -> dict[str, str]:
    """How a process that we start is told the same."""
    return {f"MURMUR_{name.upper()}": str(value) for name, value in settings.model_dump(include=set(_KEPT)).items()}


def _recorded(home: Home) -> dict[str, str]:
    with suppress(FileNotFoundError):
        found: dict[str, str] = json.loads(home.profile.read_text())
        return found
    return {}


def _found(home: Home) -> Profile | None:
    """A home raised before anything was recorded is an embedded one, if it was raised at all."""
    return Profile.EMBEDDED if (home.kafka / "data" / "meta.properties").exists() else None
