"""A composition root of the chaos suite: a real service, its store, sink and source wrapped in fuses.

`python fused_service.py <service>` stands where `python -m murmur_<service>` stands in production.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fuses import Fuse, FusedSink, FusedSource, FusedStore

from murmur_kernel.bus.kafka import KafkaSink, KafkaSource
from murmur_kernel.serve import serve
from murmur_kernel.store import open_store


def create_app(name: str) -> FastAPI:
    module: Any = importlib.import_module(f"murmur_{name}.app")
    settings: Any = importlib.import_module(f"murmur_{name}.settings").Settings()
    home: Path = settings.home.resolve()
    fuse = Fuse(home / "chaos", name)
    instance = f"{name}-{settings.replica}"

    def source() -> KafkaSource:
        return KafkaSource(settings.brokers, f"murmur-{name}", service.dispatcher.topics, instance=instance)

    def pid_of(process: str) -> int:
        pidfile = min((home / "run").glob(f"{process}*.pid.json"))
        return int(json.loads(pidfile.read_text())["pid"])

    service, app = module.build(
        settings,
        store=FusedStore(open_store(settings.store_url(name), name, getattr(module, "INDEX", None)), fuse),
        sink=FusedSink(KafkaSink(settings.brokers, instance), fuse, pid_of),
        source=FusedSource(source, fuse),
    )
    return app


if __name__ == "__main__":
    service_name = sys.argv[1]
    serve(service_name, lambda: create_app(service_name))
