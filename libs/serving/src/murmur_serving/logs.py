"""How a model server logs: JSON lines, or for people."""

import logging
import os

import structlog


def configure_logs(**bound: str) -> None:
    """bound: what every line says."""
    console = os.environ.get("MURMUR_LOG_FORMAT") == "console"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service="model-server", **bound)
    # aiokafka writes hundreds of lines per outage; the prediction log says what matters, at most twice a minute.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
