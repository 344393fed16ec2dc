"""The rooms of the console, one module each; `register` gives all of them their addresses."""

from murmur_console.context import Console
from murmur_console.pages import (
    audit,
    compare,
    dead_letters,
    deployment,
    deployments,
    experiment,
    experiments,
    find,
    flock,
    models,
    run,
    workflow,
    workflows,
)

_FLOCK = (flock, dead_letters, audit, find)
_WORK = (workflows, workflow, experiments, experiment, run, compare, models, deployments, deployment)


def register(console: Console) -> None:
    for page in (*_FLOCK, *_WORK):
        page.register(console)
