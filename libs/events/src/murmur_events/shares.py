"""Runs shown to people who have no other right: each share pins what the run was when it was shared."""

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, RunId
from murmur_events.values import Artifact, Sha256


class RunShared(Event):
    """Whoever knows the token sees the snapshot until the share expires or is revoked; only its digest is kept."""

    share_id: str
    run_id: RunId
    snapshot: Artifact = Field(description="JSON: the run and its curves as they were")
    token_sha256: Sha256
    by: str
    reason: str = ""
    shared_at: AwareDatetime
    expires_at: AwareDatetime


class ShareViewed(Event):
    """Somebody has looked at what is shared; sightings within ten seconds count once."""

    share_id: str
    seen: int = Field(ge=1, description="how often so far")
    seen_at: AwareDatetime


class ShareRevoked(Event):
    """From now on its token opens nothing."""

    share_id: str
    run_id: RunId
    by: str
    revoked_at: AwareDatetime
