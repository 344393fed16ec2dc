"""A share: what a link opens, for how long, and who has let it be."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from murmur_tracking.domain.facts import Claim

LONGEST = timedelta(days=365)
"""As long as the event that tells of a share is kept."""

COUNTED_ONCE = timedelta(seconds=10)
"""A page that is loaded again within this time was seen once."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """token_sha256: all that is kept of the token. revoked_by: "" while nobody has revoked it."""

    id: str
    run_id: str
    snapshot: Claim
    token_sha256: str
    by: str
    reason: str
    shared_at: datetime
    expires_at: datetime
    seen: int = 0
    seen_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""

    def opens(self, token_sha256: str, now: datetime) -> bool:
        fits = hmac.compare_digest(self.token_sha256, token_sha256)
        return fits and self.revoked_at is None and now < self.expires_at


def counts(share: Share, now: datetime) -> bool:
    """Whether a look at it now is one more."""
    return share.seen_at is None or now - share.seen_at >= COUNTED_ONCE


def seen(share: Share, times: int, at: datetime) -> Share:
    return replace(share, seen=max(share.seen, times), seen_at=max(share.seen_at or at, at))


def revoked(share: Share, by: str, at: datetime) -> Share:
    """The first revocation counts."""
    return share if share.revoked_at else replace(share, revoked_at=at, revoked_by=by)
