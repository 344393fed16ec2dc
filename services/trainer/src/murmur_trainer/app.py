"""Puts the trainer together: the only place that knows concrete classes."""

from collections.abc import Callable
from functools import cache, partial

from fastapi import FastAPI

from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.bus import Sink, Source
from murmur_kernel.jobs import JobKind, Jobs
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_trainer import api, freezes_api, sweeps_api
from murmur_trainer.consumers import SUBSCRIPTIONS
from murmur_trainer.domain.asking import NotAskable
from murmur_trainer.environments import UvEnvironments
from murmur_trainer.freezing import NotFrozen
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.jobs import TrainingJobs
from murmur_trainer.overdue import tell_overdue
from murmur_trainer.ports import Worker
from murmur_trainer.repository import KINDS, OVERDUE, TICK, TRAIN, TrainerUnitOfWork
from murmur_trainer.reproducing import NotReproducible, ReproductionHandlers
from murmur_trainer.settings import Settings
from murmur_trainer.sweeping import SweepOver
from murmur_trainer.timers import fire_tick
from murmur_trainer.workflow_file import WorkflowFileInvalid
from murmur_training.environment import environment_json
from murmur_training.process import run_worker

environment_once = cache(environment_json)
"""It is looked at when it is first needed, and does not change while this process lives."""


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
    worker: Worker = run_worker,
    environment: Callable[[], bytes] = environment_once,
) -> tuple[Service[TrainerUnitOfWork], FastAPI]:
    """The service over any store, broker, worker and environment: tests pass the fakes."""
    artifacts = ArtifactStore(settings.artifacts_url)
    home = settings.home.resolve()
    trainings = TrainingJobs(
        artifacts, worker, home, environment=environment, environments=UvEnvironments(home / "environments")
    )
    reproductions = ReproductionHandlers(artifacts, environment=environment)
    service = Service(
        "trainer",
        settings,
        unit_of_work=partial(TrainerUnitOfWork, training_slots=settings.training_slots),
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=job_kinds(trainings, settings),
        store=store,
        sink=sink,
        source=source,
    )
    app = service.app(
        title="Trainer",
        routers=[
            api.router(service, WorkflowHandlers(artifacts), reproductions),
            sweeps_api.router(service),
            freezes_api.router(service),
        ],
        problems={NotAskable: 422, NotFrozen: 404, SweepOver: 409},
    )
    app.add_exception_handler(WorkflowFileInvalid, api.invalid_workflow)
    app.add_exception_handler(NotReproducible, api.not_reproducible)
    return service, app


def job_kinds(trainings: TrainingJobs, settings: Settings) -> Jobs[TrainerUnitOfWork]:
    """The long work: trainings in their slots; the ticks of schedules; and trainings that do not end in time."""
    train = JobKind(
        trainings.train,
        slots=settings.training_slots,
        max_attempts=settings.training_attempts,
        exhausted=trainings.give_up,
    )
    return {TRAIN: train, TICK: fire_tick, OVERDUE: tell_overdue}
