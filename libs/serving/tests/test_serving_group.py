"""Several replicas in one real process, as the deployer tells it by a directory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from replicas import free_port

from murmur_serving.config import Ports
from murmur_serving.membership import Membership

NAMES = ("limit", "age", "education")


def test_a_directory_says_who_is_to_be_there_and_who_is(tmp_path: Path) -> None:
    membership = Membership(tmp_path / "cards-0")
    assert (membership.wanted(), membership.here(), membership.members()) == (set(), set(), set())
    membership.want("credit-v1-1", tmp_path / "replicas" / "credit-v1-1")
    membership.want("credit-v1-1", tmp_path / "replicas" / "credit-v1-1")
    membership.arrive("fraud-v1-1")
    assert membership.directory_of("credit-v1-1") == tmp_path / "replicas" / "credit-v1-1"
    assert membership.members() == {"credit-v1-1", "fraud-v1-1"}
    membership.unwant("credit-v1-1")
    membership.unwant("credit-v1-1")
    with pytest.raises(OSError, match="credit-v1-1"):
        membership.directory_of("credit-v1-1")
    membership.leave("fraud-v1-1")
    membership.leave("fraud-v1-1")
    assert membership.members() == set()
    membership.clear()
    assert not membership.directory.exists()


class GroupProcess:
    """One that a test tells whom it wants there."""

    def __init__(self, model: Any, home: Path) -> None:
        self._model = model
        self._home = home
        self.membership = Membership(home / "cards-0")
        self.output = home / "output.log"
        self.ports: dict[str, Ports] = {}
        self.membership.directory.mkdir(parents=True)
        with self.output.open("wb") as file:
            command = [sys.executable, "-m", "murmur_serving.group", str(self.membership.directory)]
            self.process = subprocess.Popen(command, stdout=file, stderr=file)

    def want(self, deployment: str, version: int, *, model: Any = None, **changes: Any) -> str:
        name, model = f"{deployment}-v{version}-1", model or self._model
        self.ports[name] = Ports(http=free_port(), grpc=free_port())
        about = {"deployment": deployment, "model": deployment, "replica": name, "version": version}
        config = self._model.config(self._home / "logs" / deployment).model_copy(
            update=about | {"sha256": model.sha256} | changes
        )
        model.write(self._home / name, config, ports=self.ports[name])
        self.membership.want(name, self._home / name)
        return name

    def get(self, name: str, path: str) -> httpx.Response | None:
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports[name].http}{path}", timeout=10, trust_env=False)
        except httpx.TransportError:
            return None

    def is_ready(self, name: str) -> bool:
        answer = self.get(name, f"/v2/models/{name.split('-')[0]}/ready")
        return answer is not None and answer.status_code == 200

    def ask(self, name: str, row: Any) -> dict[str, Any]:
        inputs = [
            {"name": column, "shape": [1], "datatype": "FP64", "data": [float(value)]}
            for column, value in zip(NAMES, row, strict=True)
        ]
        url = f"http://127.0.0.1:{self.ports[name].http}/v2/models/{name.split('-')[0]}/infer"
        answer = httpx.post(url, json={"inputs": inputs}, timeout=10, trust_env=False)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def requests(self, name: str) -> dict[tuple[str, str], float]:
        """By deployment and version, as the doors of `name` tell it."""
        answer = self.get(name, "/metrics")
        assert answer is not None
        return {
            (sample.labels["deployment"], sample.labels["version"]): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == "murmur_serving_requests_total"
        }

    def until(self, so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if so():
                return
            time.sleep(0.05)
        raise AssertionError(self.output.read_text()[-3000:])


@pytest.fixture(scope="module")
def group(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GroupProcess]:
    started = GroupProcess(model, tmp_path_factory.mktemp("group"))
    yield started
    started.process.kill()
    started.process.wait()


@pytest.fixture
def credit(group: GroupProcess) -> str:
    name = "credit-v3-1"
    if name not in group.ports:
        group.want("credit", 3)
    group.until(lambda: group.is_ready(name))
    return name


@pytest.mark.flock
def test_versions_and_models_answer_at_doors_of_their_own(group: GroupProcess, credit: str, model: Any) -> None:
    newer, fraud = group.want("credit", 4), group.want("fraud", 3)
    for name in (newer, fraud):
        group.until(lambda name=name: group.is_ready(name))
    answers = [group.ask(name, model.rows[0]) for name in (credit, newer, fraud)]
    assert [(each["model_name"], each["model_version"]) for each in answers] == [
        ("credit", "3"),
        ("credit", "4"),
        ("fraud", "3"),
    ], "a path without a version means the one behind this door"
    expected = pytest.approx(model.expected(model.rows[:1]), abs=1e-7)
    assert all(each["outputs"][0]["data"] == expected for each in answers)


@pytest.mark.flock
def test_one_that_leaves_disturbs_nobody_and_begins_anew_with_nothing_counted(
    group: GroupProcess, credit: str, model: Any
) -> None:
    name = group.want("leaver", 1)
    group.until(lambda: group.is_ready(name))
    for _ in range(3):
        group.ask(name, model.rows[0])
    assert group.requests(credit)["leaver", "1"] == 3
    group.membership.unwant(name)
    group.until(lambda: name not in group.membership.here())
    assert group.get(name, "/v2/health/live") is None
    assert ("leaver", "1") not in group.requests(credit)
    group.ask(credit, model.rows[0])
    name = group.want("leaver", 1)
    group.until(lambda: group.is_ready(name))
    group.ask(name, model.rows[0])
    assert group.requests(credit)["leaver", "1"] == 1


@pytest.mark.flock
def test_one_that_leaves_does_not_wait_for_a_client_that_never_ends_its_request(
    group: GroupProcess, credit: str, model: Any
) -> None:
    """The deployer ends the process of one that has not left after 15 s."""
    name = group.want("slow", 1)
    group.until(lambda: group.is_ready(name))
    with socket.create_connection(("127.0.0.1", group.ports[name].http)) as client:
        head = b"POST /v2/models/slow/infer HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        client.sendall(head + b"1\r\n{\r\n")
        time.sleep(0.2)  # the request has begun to come
        group.membership.unwant(name)
        begun = time.monotonic()
        group.until(lambda: name not in group.membership.here())
        assert time.monotonic() - begun < 12
    assert group.ask(credit, model.rows[0])["model_version"] == "3"


@pytest.mark.flock
@pytest.mark.parametrize("how", ["changed", "port"])
def test_one_that_cannot_serve_gives_up_and_the_others_go_on(
    group: GroupProcess, credit: str, model: Any, altered: Any, how: str
) -> None:
    if how == "changed":
        name = group.want("broken", 1, model=altered, sha256=model.sha256)
    else:
        name = "taken-v1-1"
        free_ports = group.ports[credit]
        group.want("taken", 1)
        _take_ports_of(group, name, free_ports)
    group.until(lambda: name not in group.membership.members())
    assert not _listens(group.ports[name].grpc), "its other door is closed too"
    assert group.ask(credit, model.rows[0])["model_version"] == "3"
    assert f'"{name}"' in group.output.read_text()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _take_ports_of(group: GroupProcess, name: str, ports: Ports) -> None:
    """Begins again, on ports that somebody else has."""
    group.until(lambda: group.is_ready(name))
    group.membership.unwant(name)
    group.until(lambda: name not in group.membership.here())
    settings = group._home / name / "settings.json"
    old = group.ports[name]
    settings.write_text(settings.read_text().replace(f'"http_port": {old.http}', f'"http_port": {ports.http}'))
    group.membership.want(name, group._home / name)


@pytest.mark.flock
def test_a_skops_model_finds_scikit_learn_in_a_process_that_began_without_it(
    group: GroupProcess, credit: str, model: Any
) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=500).fit(model.rows, model.expected(model.rows) > 0.5)
    served = replace(model, content=skops.io.dumps(fitted))
    name = group.want("linear", 1, model=served, format="skops")
    group.until(lambda: group.is_ready(name))
    assert group.ask(name, model.rows[0])["model_name"] == "linear"
    assert group.ask(credit, model.rows[0])["model_name"] == "credit"


@pytest.mark.flock
def test_a_signal_ends_all_of_them_politely(model: Any, tmp_path: Path) -> None:
    group = GroupProcess(model, tmp_path)
    names = [group.want("credit", 3), group.want("fraud", 3)]
    for name in names:
        group.until(lambda name=name: group.is_ready(name))
    os.kill(group.process.pid, signal.SIGTERM)
    assert group.process.wait(20) == 0
    assert group.membership.here() == set()
