"""Five no-op tasks in Prefect, run by the Python of an environment that holds nothing else: served, and called.

Prints progress, and as its last line JSON. It imports nothing of Murmuration.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path


def say(text):
    print(text, flush=True)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(address, within=180):
    deadline = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def environment(home, port):
    """A server of its own on SQLite, at its defaults but for the poll of `serve` and the patience of its client."""
    return {
        **os.environ,
        "PREFECT_HOME": home,
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_CLIENT_MAX_RETRIES": "30",  # of 20 at once its SQLite turns some away with 503: they come again
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


FLOW = """
from prefect import flow, task

@task
def step(number: int) -> int:
    return number

@flow
def five() -> None:
    for number in range(5):
        step(number)
"""


async def run_by_api(client, deployment):
    """Seconds from before the call that creates the run until its completion is seen, asked for every 10 ms."""
    began = time.perf_counter()
    run = await client.create_flow_run_from_deployment(deployment)
    while True:
        state = (await client.read_flow_run(run.id)).state
        if state is not None and state.is_final():
            if not state.is_completed():
                raise SystemExit(f"a flow run of Prefect ended as {state!r}")
            return time.perf_counter() - began
        await asyncio.sleep(0.01 if began + 10 > time.perf_counter() else 0.25)


async def served(quick):
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        deployment = None
        while deployment is None:
            try:
                deployment = (await client.read_deployment_by_name("five/bench")).id
            except Exception:  # it is not there yet
                await asyncio.sleep(0.2)
        await run_by_api(client, deployment)
        count = 3 if quick else 10
        say(f"{count} runs of a served flow, one at a time")
        single = [await run_by_api(client, deployment) for _ in range(count)]
        say(f"the median took {sorted(single)[count // 2]:.2f} s; 20 at once")
        began = time.perf_counter()
        many = 5 if quick else 20
        await asyncio.gather(*(run_by_api(client, deployment) for _ in range(many)))
        return [1000 * each for each in single], time.perf_counter() - began


def called(quick):
    from flow import five

    five()
    took = []
    for _ in range(3 if quick else 10):
        began = time.perf_counter()
        five()
        took.append(1000 * (time.perf_counter() - began))
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    prefect = str(Path(sys.executable).parent / "prefect")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="prefect-bench-", ignore_cleanup_errors=True) as home:
        os.environ.update(environment(home, port))
        Path(home, "flow.py").write_text(FLOW)
        sys.path.insert(0, home)
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home}
        server = subprocess.Popen([prefect, "server", "start", "--port", str(port)], **silent)
        serving = None
        try:
            wait_for(f"http://127.0.0.1:{port}/api/health")
            serve = "from flow import five; five.serve(name='bench', limit=100, print_starting_message=False)"
            serving = subprocess.Popen([sys.executable, "-c", serve], **silent)
            served_ms, twenty_s = asyncio.run(served(quick))
            say(f"all done after {twenty_s:.1f} s; called in process")
            serving.terminate()
            called_ms = called(quick)
        finally:
            for process in (serving, server):
                if process is not None:
                    process.terminate()
                    process.wait(30)
        import prefect as library

        settings = {
            "prefect": library.__version__,
            "server": "its own, SQLite",
            "served": "flow.serve, PREFECT_RUNNER_POLL_FREQUENCY=1, triggered by create_flow_run_from_deployment",
            "tasks": 5,
            "left at defaults": "all else; logging to the API is off, which spares Prefect work",
        }
        print(json.dumps({"served_ms": served_ms, "twenty_s": twenty_s, "called_ms": called_ms, "settings": settings}))


if __name__ == "__main__":
    main()
