"""Where a process may listen: beyond this machine only if it asks everybody who they are."""

import ipaddress
from typing import Literal

AuthMode = Literal["off", "tokens"]


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open_listener(host: str, auth: AuthMode) -> None:
    """Raises ValueError for a listener that others can reach while nobody is asked for a token."""
    if auth == "off" and not is_loopback(host):
        raise ValueError(
            f"MURMUR_HOST={host!r} is not a loopback address and MURMUR_AUTH is 'off': anybody who reaches this machine"
            f" could change everything. Set MURMUR_AUTH=tokens (murmur tokens create), or listen on 127.0.0.1"
        )
