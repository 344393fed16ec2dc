"""The deployer as a process among real ones: a broker, Envoy and model servers; killed and begun again."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from on_kafka import heard, publish

from murmur_deployer.testing import promoted, version_state, workflow_applied
from murmur_events import Event, from_record
from murmur_events.deployments import ModelDeployed
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(180)]


async def next_fact(consumer: AIOKafkaConsumer) -> Event:
    async with asyncio.timeout(60):
        record = await consumer.getone()
    return from_record(record.topic, record.value, record.headers).event


async def test_what_serves_outlives_the_deployer_and_comes_back_when_both_are_killed(
    own_brokers: str, front_door, http: httpx.AsyncClient, trained
) -> None:
    settings = front_door.settings
    environment = os.environ | {
        "MURMUR_HOME": str(settings.home),
        "MURMUR_PORT": str(settings.port),
        "MURMUR_SERVICE_PORT": str(settings.ports.service("deployer")),
        "MURMUR_BROKERS": own_brokers,
        "MURMUR_ENVOY_ADMIN": settings.envoy_admin,
        "MURMUR_FLOCK": front_door.home.tag,
    }
    log = front_door.home.log("deployer").open("ab")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "murmur_deployer"], env=environment, stdout=log, stderr=log)

    async def shown() -> dict[str, Any] | None:
        try:
            answer = await http.get(f"http://127.0.0.1:{settings.ports.service('deployer')}/v1/deployments/credit")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    async def answers() -> bool:
        probe = trained(1).probe
        answer = await http.post(f"{front_door.url}/v2/models/credit/infer", json=probe["request"])
        return answer.status_code == 200 and answer.json()["outputs"][0]["data"] == pytest.approx(
            probe["outputs"], abs=1e-6
        )

    async def serving_pid() -> int | None:
        deployment = await shown()
        pid = deployment["replicas"][0]["pid"] if deployment else None
        return pid if pid and psutil.pid_exists(pid) else None

    real = trained(1)
    artifacts = ArtifactStore(f"file://{settings.home}/artifacts")
    state = await version_state(artifacts, version=1, model=real.model, signature=real.signature, probe=real.probe)
    process = start()
    try:
        async with heard(own_brokers, "model.deployed", "deployment.failed") as consumer:
            await publish(own_brokers, workflow_applied())
            await publish(own_brokers, promoted(state, alias_revision=1))
            fact = await next_fact(consumer)
        assert isinstance(fact, ModelDeployed)
        assert await answers()
        pid = await serving_pid()
        assert pid is not None

        process.kill()
        process.wait()
        assert await answers()
        process = start()
        assert await eventually(serving_pid, within=40) == pid
        assert await answers()

        process.kill()
        process.wait()
        os.kill(pid, signal.SIGKILL)
        process = start()
        await eventually(answers, within=60)
        assert await eventually(serving_pid) != pid
    finally:
        process.kill()
        process.wait()
        log.close()
        for orphan in psutil.process_iter(["cmdline"]):
            if str(settings.home / "replicas") in " ".join(orphan.info["cmdline"] or []):
                orphan.kill()
