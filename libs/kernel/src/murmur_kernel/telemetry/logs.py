"""structlog for everything: one JSON object a line, ids bound by the dispatcher, noise and secrets kept out."""

import logging
import sys
import time

import structlog
from opentelemetry import trace

from murmur_access.redaction import redaction

_NOISY = ("aiokafka", "faust", "mode", "kafka", "opentelemetry", "urllib3")


class RateLimit(logging.Filter):
    """Lets one message of a place through per `seconds`: clients log hundreds of lines while a broker is away."""

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = (record.pathname, record.lineno)
        now = time.monotonic()
        if now - self._last.get(place, -self._seconds) < self._seconds:
            return False
        self._last[place] = now
        return True


def name_the_trace(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A line written inside a span says which, so that one gets from a line to its trace and back."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def configure_logging(service: str, log_format: str, level: str) -> None:
    """Once a process. `log_format` is json or console."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_the_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redaction,
                renderer,
            ],
        )
    )
    limit = RateLimit()
    handler.addFilter(lambda record: not record.name.startswith(_NOISY) or limit.filter(record))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("aiokafka", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they tell of every poll and every call at INFO
    structlog.contextvars.bind_contextvars(service=service)
