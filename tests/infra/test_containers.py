"""The container set-up keeps this repository's rules; and each rule finds the mistake that it is there for."""

import asyncio
import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from container_rules import of_compose, of_dockerfile

from murmur_runtime import envoy, kafka, servers
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import SERVICE_OFFSETS, FlockSettings, Profile
from murmur_runtime.testing import eventually

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "infra" / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """As docker-compose itself understands it."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not here: apt-get install docker-compose")
    done = subprocess.run(["docker-compose", "config"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = yaml.safe_load(done.stdout)
    return document


def test_the_dockerfile_keeps_the_rules() -> None:
    assert list(of_dockerfile(DOCKERFILE)) == []


@pytest.mark.parametrize(
    ("was", "wrong", "complaint"),
    [
        ("USER 10001:10001", "USER root", "the last USER is root"),
        ("USER 10001:10001\n", "", "the last USER is root"),
        ("python:3.11.14-slim-bookworm", "python:latest", "no version"),
        ("python:3.11.14-slim-bookworm", "registry.example.org/python:3.11.14", "names a registry's host"),
        ("COPY libs libs", "ADD libs libs", "fetch nothing while building"),
        ("HEALTHCHECK", "LABEL", "no HEALTHCHECK"),
        ("EXPOSE 8000", "RUN apt-get update && apt-get install -y git", "--no-install-recommends"),
        ("EXPOSE 8000", "RUN apt-get install --no-install-recommends -y git", "apt's lists"),
        ("EXPOSE 8000", "ENV DB_PASSWORD=hunter2", "a secret in an image"),
        ("EXPOSE 8000", "RUN curl -O https://example.org/tool", "fetches what nothing pins"),
        ("COPY requirements.lock ./\n", "COPY libs /l\nCOPY requirements.lock ./\n", "copied after the code"),
    ],
)
def test_a_mistake_in_a_dockerfile_is_found(was: str, wrong: str, complaint: str) -> None:
    assert was in DOCKERFILE

    assert any(complaint in found for found in of_dockerfile(DOCKERFILE.replace(was, wrong)))


def test_the_compose_file_keeps_the_rules(compose: dict[str, Any]) -> None:
    assert list(of_compose(compose)) == []


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda c: c["services"]["registry"].update(read_only=False), "registry: its root file system"),
        (lambda c: c["services"]["registry"].pop("cap_drop"), "registry: keeps capabilities"),
        (lambda c: c["services"]["registry"].update(cap_add=["NET_ADMIN"]), "registry: is given privileges"),
        (lambda c: c["services"]["registry"].pop("security_opt"), "registry: may gain privileges"),
        (lambda c: c["services"]["registry"].pop("deploy"), "registry: no limit of memory"),
        (lambda c: c["services"]["s3"].pop("user"), "s3: runs as root"),
        (lambda c: c["services"]["s3"].pop("healthcheck"), "s3: no health check"),
        (lambda c: c["services"]["s3"].update(image="chrislusf/seaweedfs"), "no version"),
        (lambda c: c["services"]["s3"].update(ports=["8333:8333"]), "open to every network"),
        (lambda c: c["services"]["registry"]["environment"].update(DB_PASSWORD="x"), "carries a secret"),
        (lambda c: c["services"]["registry"]["environment"].update(A="mongodb://u:p@h"), "carries a secret"),
        (lambda c: c["secrets"].pop("store"), "secret store is nowhere described"),
    ],
)
def test_a_mistake_in_the_compose_file_is_found(compose: dict[str, Any], edit: Edit, complaint: str) -> None:
    wrong = copy.deepcopy(compose)
    edit(wrong)

    assert any(complaint in found for found in of_compose(wrong))


def test_every_service_of_the_platform_is_there_twice_where_that_is_possible(compose: dict[str, Any]) -> None:
    replicas = {name: compose["services"][name]["deploy"]["replicas"] for name in SERVICE_OFFSETS}

    assert {name for name, count in replicas.items() if count < 2} <= {"deployer", "audit"}


def test_containers_run_kafka_as_the_three_brokers_of_one_machine_do(tmp_path: Path) -> None:
    """Whoever changes a durability setting in one of the two places is told of the other."""
    settings = FlockSettings(home=tmp_path, profile=Profile.SERVERS, replicas=1, secure=True)
    settings.vault.make_passwords()
    ours = kafka.properties(settings, Home(tmp_path))
    lines = (ROOT / "infra" / "kafka" / "server.properties").read_text().splitlines()
    theirs = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    places = ("listener", "log.dirs", "node.id", "voters", "advertised", "controller.quorum", "config.", "jaas")
    same = {key for key in theirs if not any(place in key for place in places)}

    assert len(same) > 16
    assert {key: theirs[key] for key in same} == {key: ours.get(key) for key in same}
    together = ("replication", "isr", "authoriz", "max.bytes")
    assert {key for key in ours if any(part in key for part in together)} <= same


def test_settings_of_services_in_containers_are_settings_that_there_are(compose: dict[str, Any]) -> None:
    """A variable that nobody reads would be a setting that silently does nothing."""
    given = {
        key for name in SERVICE_OFFSETS for key in compose["services"][name]["environment"] if key.startswith("MURMUR_")
    }
    assert {"MURMUR_AUTH", "MURMUR_KAFKA_PROTOCOL"} < given
    sources = "\n".join(path.read_text() for path in ROOT.glob("*/*/src/**/*.py"))

    unread = {key for key in given if not re.search(rf"\b{key.removeprefix('MURMUR_').lower()}\b", sources)}
    assert not unread


@pytest.mark.flock
async def test_what_containers_start_with_is_prepared_twice_without_harm(own_brokers: str, tmp_path: Path) -> None:
    settings = FlockSettings(home=tmp_path, artifacts=f"file://{tmp_path}/artifacts")

    for _ in range(2):
        await servers.prepare(settings, own_brokers, copies=1)

    clusters = json.loads((tmp_path / "envoy" / "clusters.json").read_text())["resources"]
    assert {cluster["name"] for cluster in clusters} == set(SERVICE_OFFSETS)
    assert {cluster["type"] for cluster in clusters} == {"STRICT_DNS"}


def test_envoy_accepts_what_is_prepared_for_containers(tmp_path: Path) -> None:
    home = Home(tmp_path)
    servers.front_door(FlockSettings(home=tmp_path), home)

    checked = subprocess.run([*envoy.command(home), "--mode", "validate"], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr


def test_every_volume_of_a_service_is_a_folder_that_the_image_gives_to_its_user(compose: dict[str, Any]) -> None:
    """Docker makes a volume's folder for root where the image has none."""
    install = DOCKERFILE.split("install -d -o murmur")[1].split("COPY")[0]
    given = {f"/var/lib/{folder}" for folder in install.split() if folder.startswith("murmur")}
    volumes = [volume for name in SERVICE_OFFSETS for volume in compose["services"][name].get("volumes", ())]
    mounted = {volume.split(":")[1] for volume in volumes if volume.split(":")[0] in compose["volumes"]}

    assert {"/var/lib/murmur/ledger", "/var/lib/murmur/secrets"} < mounted <= given


async def test_the_deployer_sees_what_envoy_routes_and_can_do_nothing_to_it(tmp_path: Path) -> None:
    port = free_front_door()
    home = Home(tmp_path)
    servers.front_door(FlockSettings(home=tmp_path, port=port), home)
    process = await asyncio.create_subprocess_exec(*envoy.command(home), stderr=subprocess.DEVNULL)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port + servers.LOOKED_AT}") as deployer:

            async def shown() -> bool:
                try:
                    return (await deployer.get("/config_dump")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(shown, within=30)
            routes = await deployer.get("/config_dump", params={"resource": "dynamic_route_configs"})
            stats = await deployer.get("/stats", params={"filter": "^cluster.registry", "format": "json"})
            ended = [await deployer.request(method, "/quitquitquit") for method in ("GET", "POST")]
            reset = await deployer.post("/stats")

        assert "front-door" in routes.text
        assert stats.json()["stats"]
        assert [answer.status_code for answer in (*ended, reset)] == [404, 404, 404]
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("image", sorted(path.stem for path in (DOCKER / "closures").glob("*.txt")))
def test_every_image_is_covered_by_the_lock_with_hashes(image: str, tmp_path: Path) -> None:
    command = [sys.executable, str(DOCKER / "pins.py"), str(DOCKER / "closures" / f"{image}.txt")]

    subprocess.run([*command, str(ROOT / "requirements.lock"), str(tmp_path)], check=True)

    packages = (tmp_path / "packages.txt").read_text()
    assert packages.count("==") >= 30
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", packages.strip()))
    assert f"./services/{image}\n" in (tmp_path / "members.txt").read_text() or image == "cli"


@pytest.mark.skipif(
    os.environ.get("MURMUR_TEST_PROFILE") != "servers", reason="`make test-servers` and `make images-check` do it"
)
@pytest.mark.timeout(300)
def test_an_image_is_installed_as_its_dockerfile_does_it_and_its_service_can_be_imported(tmp_path: Path) -> None:
    """`make images-check` does it for all of them. A package that only another member names would be missing here."""
    environment = tmp_path / "environment"
    installer = f"{ROOT / '.uv/bin/uv'} pip install --quiet --python {environment}"
    subprocess.run(
        [str(DOCKER / "install.sh"), "registry", str(environment)],
        cwd=ROOT,
        env=os.environ | {"INSTALLER": installer},
        check=True,
    )

    command = [str(environment / "bin" / "python"), "-c", "import murmur_registry.app, s3fs"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_no_image_holds_what_production_may_not_use_or_does_not_need() -> None:
    for path in (DOCKER / "closures").glob("*.txt"):
        assert not {"alibi-detect", "pytest", "moto", "mypy"} & set(path.read_text().split()), path.name


def test_a_package_that_the_lock_does_not_name_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("aiokafka\nno-such-package\n")
    command = [sys.executable, str(DOCKER / "pins.py"), str(tmp_path / "c.txt"), str(ROOT / "requirements.lock")]

    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "no-such-package" in done.stderr
