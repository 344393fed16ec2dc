"""Where a webhook may lead: to this machine, and to what the setting allows; never where a name merely seems to lead.

Whoever may write a URL here makes the registry send requests: without this look, to whatever its network reaches.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from murmur_registry.domain.refusals import Invalid

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], Awaitable[Sequence[str]]]

ANYWHERE = "*"


async def resolve(host: str) -> Sequence[str]:
    """The addresses of a name, as this machine finds them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in found]


@dataclass(frozen=True)
class Reach:
    """allowed: names of hosts, networks such as 10.1.0.0/16, or `*` for all that is not link-local.

    Loopback is always within reach.
    """

    allowed: tuple[str, ...] = ()
    resolve: Resolve = resolve

    def check_url(self, url: str) -> None:
        """Raises Invalid for what is no address of a web server."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Invalid(f"{url!r} is no URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise Invalid(f"{url!r} is no address of a web server: give one like https://example.com/hook")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise Invalid(f"{url!r} has a user, a password or a fragment: leave it out, messages are signed")

    async def address_of(self, url: str) -> str:
        """To which a request may be sent: it is the address that is used then, so that no second look at the name finds
        another one. Raises Invalid where any of the name's addresses is out of reach, OSError where it has none."""
        self.check_url(url)
        host = urlsplit(url).hostname or ""
        found = await self.resolve(host)
        if not found:
            raise OSError(f"{host!r} has no address")
        for text in found:
            address = _plain(text)
            if not (address.is_loopback or self._allows(host, address)):
                raise Invalid(
                    f"{url!r} leads to {text}, which is not this machine: allow it with MURMUR_WEBHOOK_HOSTS={host},"
                    f" a network such as 10.1.0.0/16, or * for all that is not link-local"
                )
        return found[0]

    def _allows(self, host: str, address: Address) -> bool:
        for one in self.allowed:
            if "/" in one:
                if address in ip_network(one, strict=False):
                    return True
            elif address.is_link_local or address.is_unspecified or address.is_multicast:
                continue
            elif one in (ANYWHERE, host, str(address)):
                return True
        return False


def _plain(text: str) -> Address:
    """An IPv4 address that is wrapped into an IPv6 one is what it wraps."""
    address = ip_address(text.partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
