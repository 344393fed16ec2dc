"""Brings spans to a collector by OTLP over HTTP, from a thread of its own: no work waits for it, or fails with it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from murmur_kernel.settings import KernelSettings
from murmur_kernel.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_QUEUE = 8192
"""Spans that wait for a collector that is slow or away; more are dropped."""
_EVERY_MS = 1000
_ANSWER_SECONDS = 5.0
_LAST_SECONDS = 2.0
"""How long a service that stops waits for its last spans to be taken."""


class Exported:
    """Tracing by the settings: off without an endpoint, and then the SDK is not even imported."""

    def __init__(self, service: str, instance: str, settings: KernelSettings) -> None:
        self._leaving: _Leaving | None = None
        self.tracing = Tracing()
        if settings.otlp_endpoint:
            self._leaving, self.tracing = _recording(service, instance, settings)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[Tracing]:
        """Hands over what is left at the end, as far as the collector takes it in time."""
        try:
            yield self.tracing
        finally:
            if self._leaving is not None:
                await self._leaving.end()


class _Leaving:
    """Spans on their way out, by the SDK's own thread."""

    def __init__(self, provider: "TracerProvider", exporter: "SpanExporter") -> None:
        self._provider = provider
        self._exporter = exporter

    async def end(self) -> None:
        last = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        last.start()
        await asyncio.to_thread(last.join, _LAST_SECONDS)
        if last.is_alive():  # the provider would go on trying for half a minute
            self._exporter.shutdown()


def _recording(service: str, instance: str, settings: KernelSettings) -> tuple[_Leaving, Tracing]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from murmur_kernel.telemetry.recording import recording

    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=_ANSWER_SECONDS)
    processor = BatchSpanProcessor(exporter, max_queue_size=_QUEUE, schedule_delay_millis=_EVERY_MS)
    provider, tracing = recording(service, instance, processor, ratio=settings.trace_ratio)
    return _Leaving(provider, exporter), tracing
