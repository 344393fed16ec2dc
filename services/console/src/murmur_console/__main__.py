"""Runs the console as a process: `python -m murmur_console [--story file.jsonl]`."""

import argparse
import logging
from pathlib import Path

import uvicorn

from murmur_access.redaction import redaction
from murmur_console.app import create_app
from murmur_console.settings import Settings
from murmur_console.story_file import StoryFile
from murmur_kernel.telemetry.logs import configure_logging


def main() -> None:
    parser = argparse.ArgumentParser(prog="murmur_console", description=__doc__)
    parser.add_argument(
        "--story", type=Path, help="tell this recorded story (JSON lines) instead of listening to Kafka"
    )
    story: Path | None = parser.parse_args().story
    settings = Settings()
    redaction.learn(settings.broker_access.secret())
    configure_logging("console", settings.log_format, settings.log_level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would tell of every look at every service
    uvicorn.run(
        create_app(settings, feed=StoryFile(story) if story else None),
        host=settings.host,
        port=settings.service_port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        proxy_headers=True,
    )


main()
