"""`python client.py <uri> <experiment of the history>`: MLflow's own client, in an environment that holds nothing else.

Prints JSON: by what was done, the milliseconds that each took. It imports nothing of Murmuration.
"""

import argparse
import json
import socket
import sys
import time

import mlflow
import urllib3.connection
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

AT = 1_750_000_000_000


class QuickSocket(socket.socket):
    """Acknowledges at once, so that no server waits under Nagle's algorithm for it."""

    def recv_into(self, *arguments):
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().recv_into(*arguments)


def without_the_stall():
    connect = urllib3.connection.HTTPConnection._new_conn

    def quick(connection):
        plain = connect(connection)
        timeout = plain.gettimeout()
        made = QuickSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        made.settimeout(timeout)
        return made

    urllib3.connection.HTTPConnection._new_conn = quick


def timed(work, seconds, least=3):
    """work: called with 0, 1, 2, … for so long."""
    took, began = [], time.perf_counter()
    while len(took) < least or time.perf_counter() - began < seconds:
        at = time.perf_counter()
        work(len(took))
        took.append((time.perf_counter() - at) * 1000)
    return took


class Steps:
    def __init__(self, client, experiment, history):
        self.client, self.experiment, self.history = client, experiment, history
        self.run = client.create_run(experiment).info.run_id
        self.compared = [one.info.run_id for one in client.search_runs([history], max_results=100)]

    def batch(self, number):
        points = [
            Metric(f"curve{key}", (step * 7 + key) % 100 / 100, AT, number * 100 + step)
            for step in range(100)
            for key in range(10)
        ]
        self.client.log_batch(self.run, metrics=points)

    def metric(self, number):
        self.client.log_metric(self.run, f"single{number % 10}", number % 100 / 100, AT, number)

    def small_run(self, number):
        run = self.client.create_run(self.experiment, start_time=AT, run_name=f"client-{number}").info.run_id
        self.client.log_batch(
            run,
            metrics=[Metric(f"m{at}", at / 10, AT, 0) for at in range(10)],
            params=[Param(f"p{at}", str(number + at)) for at in range(10)],
            tags=[RunTag(f"t{at}", f"team-{at}") for at in range(5)],
        )
        self.client.set_terminated(run, "FINISHED", AT + 60_000)

    def get_many(self, number):
        for run in self.compared:
            self.client.get_run(run)

    def search(self, number):
        below, value = 0.4 + number % 37 / 185, number % 10
        self.client.search_runs(
            [self.history],
            f"metrics.m{number % 5} < {below:.6f} AND params.p{number % 3} = '{value}'",
            max_results=100,
            order_by=[f"metrics.m{5 + number % 5} DESC"],
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("history")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--quick", action="store_true", help="without the stall")
    given = parser.parse_args()
    if given.quick:
        without_the_stall()
    client = MlflowClient(given.uri)
    steps = Steps(client, client.create_experiment(f"client {time.time_ns()}"), given.history)
    took = {
        "log_batch of 1000 metrics": timed(steps.batch, given.seconds),
        "log_metric": timed(steps.metric, given.seconds),
        "a small run in three calls": timed(steps.small_run, given.seconds),
        "100 runs by get_run": timed(steps.get_many, given.seconds),
        "search": timed(steps.search, given.seconds),
    }
    json.dump({"mlflow": mlflow.__version__, "took": took}, sys.stdout)


if __name__ == "__main__":
    main()
