"""TLS where it is set: at a service, at the front door, at the broker; with a certificate made here."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from murmur_access import BrokerAccess
from murmur_kernel.settings import KernelSettings
from murmur_kernel.testing import eventually
from murmur_runtime import envoy, kafka
from murmur_runtime.errors import KeyUnreadable
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import running_secure_broker

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Certificate:
    cert: Path
    key: Path
    ca: Path

    @property
    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    made = Certificate(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(made.cert)
    issued.private_key_pem.write_to_path(made.key)
    authority.cert_pem.write_to_path(made.ca)
    return made


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


async def answers_by_tls_only(port: int, path: str, certificate: Certificate) -> None:
    async def status() -> int:
        try:
            async with httpx.AsyncClient(verify=certificate.trusting, trust_env=False) as client:
                return (await client.get(f"https://127.0.0.1:{port}{path}")).status_code
        except httpx.TransportError:
            return 0

    assert await eventually(status, within=90) in (200, 404, 503)
    async with httpx.AsyncClient(trust_env=False) as stranger:
        with pytest.raises(httpx.ConnectError):  # whose authority it does not know
            await stranger.get(f"https://127.0.0.1:{port}{path}")
        with pytest.raises(httpx.TransportError):
            await stranger.get(f"http://127.0.0.1:{port}{path}")


async def test_a_service_speaks_tls(certificate: Certificate, tmp_path: Path) -> None:
    port = free_front_door()
    settings = {
        "MURMUR_HOME": str(tmp_path),
        "MURMUR_SERVICE_PORT": str(port),
        "MURMUR_BROKERS": "127.0.0.1:1",
        "MURMUR_TLS_CERT": str(certificate.cert),
        "MURMUR_TLS_KEY": str(certificate.key),
    }
    (tmp_path / "stores").mkdir()
    with running([sys.executable, "-m", "murmur_tracking"], tmp_path / "log", **settings):
        await answers_by_tls_only(port, "/livez", certificate)


async def test_the_front_door_speaks_tls(certificate: Certificate, tmp_path: Path) -> None:
    settings = FlockSettings(home=tmp_path, port=free_front_door(), tls_cert=certificate.cert, tls_key=certificate.key)
    home = Home(settings.home)
    home.create()
    envoy.prepare(settings, home, [])
    assert settings.front_door == f"https://127.0.0.1:{settings.port}"
    with running(envoy.command(home), home.log("envoy")):
        await answers_by_tls_only(settings.port, "/", certificate)


def test_the_broker_speaks_tls(certificate: Certificate, tmp_path: Path) -> None:
    files = {"kafka_cert": certificate.cert, "kafka_key": certificate.key, "kafka_ca": certificate.ca}
    with running_secure_broker(tmp_path, within=150, **files) as settings:
        access = settings.access_as("console")
        assert access.protocol == "SASL_SSL"
        asyncio.run(brokers_are_told_to_whom_trusts_them(access))


async def brokers_are_told_to_whom_trusts_them(access: BrokerAccess) -> None:
    admin = AIOKafkaAdminClient(**access.arguments())
    await admin.start()
    assert (await admin.describe_cluster())["brokers"]
    await admin.close()
    stranger = AIOKafkaAdminClient(**access.model_copy(update={"ca": None}).arguments(), request_timeout_ms=3000)
    try:
        with pytest.raises((KafkaError, OSError)):
            await stranger.start()
    finally:
        await stranger.close()


def test_a_key_that_the_broker_could_not_read_is_named(certificate: Certificate, tmp_path: Path) -> None:
    key = tmp_path / "broken.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    settings = FlockSettings(home=tmp_path, secure=True, kafka_cert=certificate.cert, kafka_key=key)
    home = Home(tmp_path)
    home.create()

    with pytest.raises(KeyUnreadable, match=r"broken\.pem"):
        kafka.prepare(settings, home, ())


def test_half_a_pair_is_refused(certificate: Certificate, tmp_path: Path) -> None:
    for settings in (KernelSettings, FlockSettings):
        with pytest.raises(ValidationError, match="MURMUR_TLS_KEY go together"):
            settings(home=tmp_path, tls_cert=certificate.cert)


def test_only_the_front_door_leaves_the_machine(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="MURMUR_AUTH=tokens"):
        FlockSettings(home=tmp_path, host="0.0.0.0")
    opened = FlockSettings(home=tmp_path, host="0.0.0.0", auth="tokens")
    assert opened.brokers.startswith("127.0.0.1:")
    assert opened.envoy_admin.startswith("http://127.0.0.1:")
    listener = envoy.bootstrap(opened, Home(opened.home))["static_resources"]["listeners"][0]
    assert listener["address"]["socket_address"]["address"] == "0.0.0.0"
