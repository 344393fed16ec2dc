"""One chain of events is one trace: which span continues which, across services, jobs, parked events and weeks.

A chain carries its place in the trace as a W3C `traceparent`: in the headers of events, in the rows of outbox and
jobs, and in every Chain that a service stores. So whoever goes on, in whatever process and however late, goes on in the
same trace. A chain that carries none (a tick, a finding, one begun while nobody traced) has a trace whose id follows
from its correlation id.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracerProvider, Span, SpanContext, SpanKind, StatusCode, TraceFlags, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from murmur_events import Envelope

_PROPAGATOR = TraceContextTextMapPropagator()
_NOWHERE = Context()


class Ids(NamedTuple):
    """Ids for a span that is being started. trace: used where it continues none; span: None for a random one."""

    trace: int
    span: int | None


given_ids: ContextVar[Ids | None] = ContextVar("given_ids", default=None)
"""The id generator of the recording provider takes them from here."""


class Tracing:
    """The spans of one service. Without a provider none are made, and what a chain carries is handed on untouched.

    sampled: whether a trace that begins here is recorded; one that goes on is recorded if its traceparent says so
    """

    def __init__(
        self, provider: TracerProvider | None = None, *, sampled: Callable[[int], bool] = lambda trace_id: True
    ) -> None:
        self.enabled = provider is not None
        self.provider = provider or NoOpTracerProvider()
        self._tracer = self.provider.get_tracer("murmur_kernel")
        self._sampled = sampled

    @contextmanager
    def handling(self, envelope: Envelope) -> Iterator[Span]:
        """The span of one try at handling an event: the child of the span that published it."""
        if not self.enabled and envelope.traceparent is None:
            yield trace.INVALID_SPAN
            return
        span = self._start(
            f"process {envelope.topic}",
            SpanKind.CONSUMER,
            envelope.traceparent,
            envelope.correlation_id,
            _attributes(envelope, "process"),
        )
        with trace.use_span(span, end_on_exit=True):
            yield span

    @contextmanager
    def working(
        self, name: str, traceparent: str | None, correlation_id: str, *, job_id: str, attempt: int
    ) -> Iterator[Span]:
        """The span of one attempt at a job, in the trace in which the job was enqueued."""
        if not self.enabled and traceparent is None:
            yield trace.INVALID_SPAN
            return
        attributes: dict[str, AttributeValue] = {
            "murmur.correlation_id": correlation_id,
            "murmur.job": job_id,
            "murmur.attempt": attempt,
        }
        span = self._start(name, SpanKind.INTERNAL, traceparent, correlation_id, attributes)
        with trace.use_span(span, end_on_exit=True):
            yield span

    @contextmanager
    def step(self, name: str, **attributes: AttributeValue) -> Iterator[Span]:
        """A part of the present span that is worth a span of its own."""
        with self._tracer.start_as_current_span(name, attributes=attributes) as span:
            yield span

    @contextmanager
    def publishing(self, envelopes: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
        """The envelopes as they go out: each names its own span, the child of whatever published it.

        A span is told of once its event was acknowledged; a second publication tells the same span again.
        """
        if not self.enabled:
            yield envelopes
            return
        spans = [self._publication(envelope) for envelope in envelopes]
        yield [
            replace(envelope, traceparent=_traceparent_of(span.get_span_context()))
            for envelope, span in zip(envelopes, spans, strict=True)
        ]
        for span in spans:
            span.end()

    def of_event(self, traceparent: str | None, correlation_id: str, event_id: str) -> str | None:
        """Where the effects of an event continue: at the span of its publication, known before it is published."""
        if not self.enabled:
            return traceparent
        parent = _span_context(traceparent)
        if parent.is_valid:
            trace_id, flags = parent.trace_id, parent.trace_flags
        else:
            trace_id = _digest(correlation_id, 16)
            flags = TraceFlags(TraceFlags.RANDOM_TRACE_ID | self._sampled(trace_id))
        return _traceparent_of(SpanContext(trace_id, _digest(event_id, 8), is_remote=True, trace_flags=flags))

    def _publication(self, envelope: Envelope) -> Span:
        """Its id follows from the event's, so that publishing it once more makes the same span."""
        return self._start(
            f"publish {envelope.topic}",
            SpanKind.PRODUCER,
            envelope.traceparent,
            envelope.correlation_id,
            _attributes(envelope, "publish"),
            span_id=_digest(envelope.id, 8),
        )

    def _start(
        self,
        name: str,
        kind: SpanKind,
        traceparent: str | None,
        correlation_id: str,
        attributes: Mapping[str, AttributeValue],
        *,
        span_id: int | None = None,
    ) -> Span:
        token = given_ids.set(Ids(_digest(correlation_id, 16), span_id))
        try:
            return self._tracer.start_span(name, context=_context_of(traceparent), kind=kind, attributes=attributes)
        finally:
            given_ids.reset(token)


OFF = Tracing()


def current_traceparent() -> str | None:
    """The present span, None outside of any."""
    return _traceparent_of(trace.get_current_span().get_span_context())


def link_to(traceparents: Sequence[str | None]) -> None:
    """The present span names what it continued in other traces: a review decided weeks later, by another call."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    here = span.get_span_context().trace_id
    for text in dict.fromkeys(traceparents):
        context = _span_context(text)
        if context.is_valid and context.trace_id != here:
            span.add_link(context)


def failed(span: Span, error: BaseException | str) -> None:
    """What is seen of a failure in a trace: its words, and its traceback where there is one."""
    if isinstance(error, BaseException):
        span.record_exception(error)
    span.set_status(StatusCode.ERROR, str(error) or repr(error))


def _digest(text: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1


def _context_of(traceparent: str | None) -> Context:
    return _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else _NOWHERE


def _span_context(traceparent: str | None) -> SpanContext:
    return trace.get_current_span(_context_of(traceparent)).get_span_context()


def _traceparent_of(context: SpanContext) -> str | None:
    if not context.is_valid:
        return None
    ids = f"{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
    return f"00-{ids}-{context.trace_flags:02x}"


def _attributes(envelope: Envelope, operation: str) -> dict[str, AttributeValue]:
    """Names of OpenTelemetry's conventions for messaging, and ours for the chain."""
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.type": operation,
        "messaging.destination.name": envelope.topic,
        "messaging.message.id": envelope.id,
        "messaging.kafka.message.key": envelope.key,
        "murmur.correlation_id": envelope.correlation_id,
    }
    if envelope.causation_id:
        attributes["murmur.causation_id"] = envelope.causation_id
    return attributes
