"""Signatures of messages, as https://www.standardwebhooks.com has them: HMAC-SHA256 over id, time and body."""

import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime

PREFIX = "whsec_"


def new_secret() -> str:
    """32 random bytes, in the form in which verifiers of all languages take it."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signed_headers(secret: str, message: str, at: datetime, body: str) -> dict[str, str]:
    """Whoever knows the secret can tell that the message is of us, whole, and not an old one sent once more."""
    timestamp = str(int(at.timestamp()))
    key = b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message}.{timestamp}.{body}".encode(), "sha256")
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
