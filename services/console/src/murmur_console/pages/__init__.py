"""The rooms of the console, one module each; `register` gives all of them their addresses."""

from murmur_console.context import Console
from murmur_console.pages import audit, dead_letters, deployment, deployments, find, flock, models, workflow, workflows


def register(console: Console) -> None:
    for page in (flock, workflows, workflow, models, deployments, deployment, dead_letters, audit, find):
        page.register(console)
