"""Runs a service as a process: `python -m murmur_<name>` ends here."""

import os
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from murmur_access.redaction import redaction
from murmur_kernel.settings import KernelSettings
from murmur_kernel.telemetry.logs import configure_logging

KEEP_ALIVE_SECONDS = 75
"""Longer than the front door keeps a connection that nobody uses: it is the front door that closes it."""


def serve(name: str, create_app: Callable[[], FastAPI]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. The address comes from the settings."""
    os.environ.pop("MURMUR_PROCESS", None)  # by it a supervisor finds this process again, and must find no child of it
    settings = KernelSettings()
    configure_logging(name, settings.log_format, settings.log_level)
    redaction.learn(settings.broker_access.secret())
    uvicorn.run(
        create_app(),
        host=settings.host,
        port=settings.service_port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        root_path=f"/{name}",  # where the front door shows it
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        proxy_headers=True,
    )
