"""Runs one service with ports that do nothing: `python tests/load/noop_service.py <trainer|validator|deployer>`."""

import sys

from fastapi import FastAPI
from noop_ports import NothingRoutes, NothingServes, NothingToMeasure, NothingToReport, train_nothing

from murmur_kernel.serve import serve


def trainer() -> FastAPI:
    from murmur_trainer.app import build
    from murmur_trainer.settings import Settings

    return build(Settings(), worker=train_nothing)[1]


def validator() -> FastAPI:
    from murmur_validator.app import build
    from murmur_validator.settings import Settings

    return build(Settings(), evaluator=NothingToMeasure(), reporter=NothingToReport())[1]


def deployer() -> FastAPI:
    from murmur_deployer.app import build
    from murmur_deployer.settings import Settings

    return build(Settings(), servers=NothingServes(), router=NothingRoutes())[1]


SERVICES = {"trainer": trainer, "validator": validator, "deployer": deployer}

if __name__ == "__main__":
    serve(sys.argv[1], SERVICES[sys.argv[1]])
