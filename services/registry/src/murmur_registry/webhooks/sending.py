"""One request to one webhook: to the very address that was looked at, never further, and no longer than it may take."""

import time
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from murmur_registry.domain.refusals import Invalid
from murmur_registry.domain.webhooks import Delivery, Try, Webhook
from murmur_registry.webhooks.reaching import Reach
from murmur_registry.webhooks.signing import signed_headers


class Sender(Protocol):
    async def send(self, webhook: Webhook, delivery: Delivery, at: datetime) -> Try:
        """Whatever happens is in the answer: it raises nothing of the network's."""
        ...


class HttpSender:
    """Redirects are answers, and no success: they could lead anywhere. Proxies of the environment are not asked."""

    def __init__(self, reach: Reach, *, seconds: float) -> None:
        self._reach = reach
        self._seconds = seconds

    async def send(self, webhook: Webhook, delivery: Delivery, at: datetime) -> Try:
        started = time.perf_counter()
        status, error = None, ""
        try:
            status = await self._post(webhook, delivery, at)
        except Invalid as refusal:
            error = str(refusal)
        except (httpx.HTTPError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}".rstrip(": ")
        return Try(at=at, status=status, error=error, seconds=round(time.perf_counter() - started, 3))

    async def _post(self, webhook: Webhook, delivery: Delivery, at: datetime) -> int:
        address = await self._reach.address_of(webhook.url)
        url = httpx.URL(webhook.url)
        headers = signed_headers(webhook.secret, delivery.message, at, delivery.body)
        headers |= {
            "content-type": "application/json",
            "host": urlsplit(webhook.url).netloc,
            "user-agent": "murmuration-webhooks",
        }
        async with (
            httpx.AsyncClient(timeout=self._seconds, trust_env=False, follow_redirects=False) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=delivery.body.encode(),
                headers=headers,
                extensions={"sni_hostname": url.host},
            ) as response,
        ):
            return response.status_code  # its body is nobody's concern, however long it is
