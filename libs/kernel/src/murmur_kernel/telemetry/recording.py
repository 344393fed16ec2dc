"""A provider that records spans: the only module that imports OpenTelemetry's SDK, and only where tracing is on."""

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased

from murmur_kernel.telemetry.tracing import Tracing, given_ids


class ChainIds(RandomIdGenerator):
    """Random ids, but for spans whose ids follow from an event."""

    def generate_trace_id(self) -> int:
        given = given_ids.get()
        return given.trace if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        given = given_ids.get()
        return given.span if given and given.span else super().generate_span_id()


def recording(
    service: str, instance: str, processor: SpanProcessor, *, ratio: float = 1.0
) -> tuple[TracerProvider, Tracing]:
    """ratio: which part of the traces that begin here is recorded; it follows from the trace id, so that all services
    decide alike. A trace that goes on is recorded if whoever began it says so."""
    sampler = TraceIdRatioBased(ratio)
    provider = TracerProvider(
        sampler=ParentBased(sampler),
        id_generator=ChainIds(),
        resource=Resource.create(
            {"service.name": service, "service.namespace": "murmuration", "service.instance.id": instance}
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(processor)

    def sampled(trace_id: int) -> bool:
        return sampler.should_sample(None, trace_id, "").decision is Decision.RECORD_AND_SAMPLE

    return provider, Tracing(provider, sampled=sampled)
