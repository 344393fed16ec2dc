"""`python -m murmur_serving <directory>`: one replica of one model server."""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

import structlog
import uvloop

from murmur_serving.config import read_replica


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m murmur_serving <directory that murmur_serving.config.write_replica has written>")
    directory = Path(sys.argv[1])
    _configure_logs(directory.name)
    _let_threads_finish()
    if read_replica(directory).format != "skops":
        # XGBoost imports scikit-learn where it finds it, for wrappers that are of no use here: 3 s and 80 MB a replica.
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    from murmur_serving.server import serve

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(serve(directory)))


def _let_threads_finish() -> None:
    """A replica has one core. gRPC's threads would interrupt the event loop seven times a call, to tell it of what it
    can only do later; as a batch process (Linux) no thread of it interrupts another, and a call takes a fifth less.
    """
    # And its older listener has fewer of them: a tenth less (grpcio 1.85; names that it does not know it ignores).
    os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # forbidden in some sandboxes
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _configure_logs(replica: str) -> None:
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
    structlog.contextvars.bind_contextvars(service="model-server", replica=replica)
    # aiokafka writes hundreds of lines per outage; the prediction log says what matters, at most twice a minute.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    main()
