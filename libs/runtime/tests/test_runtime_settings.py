"""One port and one directory decide where everything of a flock is."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from murmur_events import LARGEST_RECORD
from murmur_runtime import kafka, processes, profiles
from murmur_runtime.errors import OtherProfile
from murmur_runtime.home import Home
from murmur_runtime.nodes import nodes
from murmur_runtime.processes import all_members
from murmur_runtime.settings import ALONE, MODEL_SERVERS, SERVICE_OFFSETS, Durability, FlockSettings, Profile


def test_every_port_is_counted_from_the_front_door(tmp_path: Path) -> None:
    settings = FlockSettings(home=tmp_path, port=9000)

    ports = settings.ports

    assert (ports.broker, ports.controller, ports.envoy_admin) == (9001, 9002, 9003)
    assert (ports.service("tracking"), ports.service("console")) == (9010, 9016)
    assert settings.brokers == "127.0.0.1:9001"


def test_the_home_is_absolute_whoever_reads_it_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MURMUR_HOME", "here")

    assert FlockSettings().home == tmp_path / "here"


def test_a_host_that_others_can_reach_is_refused() -> None:
    with pytest.raises(ValidationError, match="MURMUR_AUTH is 'off'"):
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


def test_the_broker_takes_what_a_producer_may_send(tmp_path: Path) -> None:
    for settings in (FlockSettings(home=tmp_path), servers(tmp_path)):
        told = kafka.properties(settings, Home(tmp_path))
        assert told["message.max.bytes"] == told["replica.fetch.max.bytes"] == str(LARGEST_RECORD)


def test_the_broker_does_not_make_topics_by_itself(tmp_path: Path) -> None:
    settings = FlockSettings(home=tmp_path)

    assert kafka.properties(settings, Home(tmp_path))["auto.create.topics.enable"] == "false"


def test_variables_that_change_the_jvm_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")

    assert "JAVA_TOOL_OPTIONS" not in kafka.environment()


def servers(tmp_path: Path, **more: object) -> FlockSettings:
    told = {"home": tmp_path, "port": 9000, "profile": Profile.SERVERS, "store": "mongodb://127.0.0.1:27017"}
    return FlockSettings.model_validate({**told, **more})


def test_servers_have_three_brokers_and_two_replicas_of_each_service_on_ports_of_their_own(tmp_path: Path) -> None:
    settings = servers(tmp_path)

    members = all_members(settings)
    brokers = processes.brokers(settings, Home(tmp_path), [])

    assert [spec.name for spec in brokers] == ["kafka-1", "kafka-2", "kafka-3"]
    assert settings.brokers == "127.0.0.1:9001,127.0.0.1:9004,127.0.0.1:9006"
    assert {spec.member for spec in members.services} == set(SERVICE_OFFSETS)
    assert len(members.services) == 2 * len(SERVICE_OFFSETS) - len(ALONE)
    controllers = [node.controller for node in nodes(settings, Home(tmp_path))]
    ports = [spec.port for spec in (*brokers, *members.services)] + controllers + [9000, settings.ports.envoy_admin]
    assert len(set(ports)) == len(ports)
    assert max(ports) < settings.port + MODEL_SERVERS.start


def test_replicas_know_their_number_and_share_the_store(tmp_path: Path) -> None:
    [first, second] = [spec for spec in all_members(servers(tmp_path)).services if spec.member == "trainer"]

    assert (first.name, second.name) == ("trainer-1", "trainer-2")
    assert [spec.environment["MURMUR_REPLICA"] for spec in (first, second)] == ["0", "1"]
    assert {spec.environment["MURMUR_STORE"] for spec in (first, second)} == {"mongodb://127.0.0.1:27017"}


def test_replicas_over_an_sqlite_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="cannot share an SQLite file"):
        servers(tmp_path, store="")


def test_a_record_must_be_on_two_of_three_brokers_and_the_embedded_one_needs_only_itself(tmp_path: Path) -> None:
    three = kafka.properties(servers(tmp_path), Home(tmp_path))
    one = kafka.properties(FlockSettings(home=tmp_path), Home(tmp_path))

    assert (three["default.replication.factor"], three["min.insync.replicas"]) == ("3", "2")
    assert (one["default.replication.factor"], one["min.insync.replicas"]) == ("1", "1")
    assert three["controller.quorum.voters"].count("@") == 3


def test_what_a_home_was_raised_as_is_remembered(tmp_path: Path) -> None:
    profiles.remember(servers(tmp_path), Home(tmp_path))

    recalled = profiles.recall(FlockSettings(home=tmp_path, port=9000))

    assert recalled == servers(tmp_path)
    assert Home(tmp_path).profile.stat().st_mode & 0o077 == 0


def test_a_home_of_one_profile_is_not_raised_as_the_other(tmp_path: Path) -> None:
    profiles.remember(servers(tmp_path), Home(tmp_path))

    with pytest.raises(OtherProfile, match=r"'servers', not 'embedded'"):
        profiles.remember(FlockSettings(home=tmp_path), Home(tmp_path))


def test_an_embedded_home_is_not_raised_as_servers(tmp_path: Path) -> None:
    data = Home(tmp_path).kafka / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").touch()

    with pytest.raises(OtherProfile, match=r"'embedded', not 'servers'"):
        profiles.remember(servers(tmp_path), Home(tmp_path))
