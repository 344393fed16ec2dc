"""One port and one directory decide where everything of a flock is."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from murmur_runtime import kafka
from murmur_runtime.home import Home
from murmur_runtime.settings import Durability, FlockSettings


def test_every_port_is_counted_from_the_front_door(tmp_path: Path) -> None:
    settings = FlockSettings(home=tmp_path, port=9000)

    ports = settings.ports

    assert (ports.broker, ports.controller, ports.envoy_admin) == (9001, 9002, 9003)
    assert (ports.service("tracking"), ports.service("console")) == (9010, 9016)
    assert (ports.model_servers.start, ports.model_servers.stop) == (9100, 9200)
    assert settings.brokers == "127.0.0.1:9001"


def test_the_home_is_absolute_whoever_reads_it_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MURMUR_HOME", "here")

    assert FlockSettings().home == tmp_path / "here"


def test_a_host_that_others_can_reach_is_refused() -> None:
    with pytest.raises(ValidationError, match="no authentication"):
        FlockSettings(host="0.0.0.0")


def test_ports_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValidationError):
        FlockSettings(port=65_500)


def test_two_homes_have_two_tags(tmp_path: Path) -> None:
    assert Home(tmp_path / "a").tag != Home(tmp_path / "b").tag


@pytest.mark.parametrize(("durability", "flushes"), [(Durability.PROCESS, None), (Durability.POWER, "1")])
def test_the_broker_flushes_each_batch_only_against_power_loss(
    tmp_path: Path, durability: Durability, flushes: str | None
) -> None:
    settings = FlockSettings(home=tmp_path, durability=durability)

    assert kafka.properties(settings, Home(tmp_path)).get("log.flush.interval.messages") == flushes


def test_the_broker_does_not_make_topics_by_itself(tmp_path: Path) -> None:
    settings = FlockSettings(home=tmp_path)

    assert kafka.properties(settings, Home(tmp_path))["auto.create.topics.enable"] == "false"


def test_variables_that_change_the_jvm_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")

    assert "JAVA_TOOL_OPTIONS" not in kafka.environment()
