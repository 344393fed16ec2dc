"""Puts the validator together: the only place that knows concrete classes."""

from fastapi import FastAPI

from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.bus import Sink, Source
from murmur_kernel.jobs import JobKind, Jobs
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_validator import api
from murmur_validator.consumers import SUBSCRIPTIONS
from murmur_validator.evaluation import XGBoostEvaluator
from murmur_validator.jobs import VALIDATION, Validator
from murmur_validator.ports import Evaluator, Reporter
from murmur_validator.report import HtmlReporter
from murmur_validator.repository import KINDS, ValidatorUnitOfWork
from murmur_validator.settings import Settings


def jobs_of(validator: Validator) -> Jobs[ValidatorUnitOfWork]:
    """One validation at a time: each keeps a core busy."""
    return {VALIDATION: JobKind(validator.run, slots=1, exhausted=validator.give_up)}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, as the settings say."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings,
    *,
    store: Store | None = None,
    sink: Sink | None = None,
    source: Source | None = None,
    evaluator: Evaluator | None = None,
    reporter: Reporter | None = None,
) -> tuple[Service[ValidatorUnitOfWork], FastAPI]:
    """The service over any store, broker, evaluator and reporter: tests pass the fakes."""
    artifacts = ArtifactStore(settings.artifacts_url)
    validator = Validator(artifacts, evaluator or XGBoostEvaluator(), reporter or HtmlReporter())
    service = Service(
        "validator",
        settings,
        unit_of_work=ValidatorUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=jobs_of(validator),
        store=store,
        sink=sink,
        source=source,
    )
    return service, service.app(title="Validator", routers=[api.router(service)])
