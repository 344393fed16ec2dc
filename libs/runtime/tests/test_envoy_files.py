"""The files that Envoy reads: the platform's own routes, and those of a deployer that must outlive a restart."""

import json
from pathlib import Path
from typing import Any

from murmur_runtime import envoy
from murmur_runtime.home import Home
from murmur_runtime.settings import FlockSettings

UPSTREAMS = (
    envoy.Upstream("console", 9016, "/", websockets=True),
    envoy.Upstream("tracking", 9010, "/tracking/"),
    envoy.Upstream("registry", 9011, "/registry/"),
)


def prepared(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    envoy.prepare(FlockSettings(home=tmp_path, port=9000), home, UPSTREAMS)
    return home


def routes_of(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text())
    routes: list[dict[str, Any]] = content["resources"][0]["virtual_hosts"][0]["routes"]
    return routes


def test_the_catch_all_of_the_console_comes_last(tmp_path: Path) -> None:
    routes = routes_of(prepared(tmp_path).envoy / "routes.base.json")

    prefixes = [route["match"]["prefix"] for route in routes if "prefix" in route["match"]]
    assert "prefix" in routes[-1]["match"]
    assert sorted(prefixes[:-1]) == ["/registry/", "/tracking/"]
    assert prefixes[-1] == "/"


def test_a_service_sees_paths_without_its_own_name_and_the_console_may_upgrade(tmp_path: Path) -> None:
    actions = {r["name"]: r["route"] for r in routes_of(prepared(tmp_path).envoy / "routes.base.json")}

    assert actions["tracking"]["prefix_rewrite"] == "/"
    assert "prefix_rewrite" not in actions["console"]
    assert actions["console"]["upgrade_configs"] == [{"upgrade_type": "websocket"}]


def test_only_connections_that_failed_are_tried_again(tmp_path: Path) -> None:
    routes = routes_of(prepared(tmp_path).envoy / "routes.base.json")

    assert {route["route"]["retry_policy"]["retry_on"] for route in routes} == {"connect-failure"}


def test_the_live_files_begin_as_the_base(tmp_path: Path) -> None:
    folder = prepared(tmp_path).envoy

    for name in ("routes", "clusters"):
        assert (folder / f"{name}.json").read_text() == (folder / f"{name}.base.json").read_text()


def test_preparing_again_keeps_what_the_deployer_wrote(tmp_path: Path) -> None:
    folder = prepared(tmp_path).envoy
    (folder / "routes.json").write_text("written by the deployer")

    prepared(tmp_path)

    assert (folder / "routes.json").read_text() == "written by the deployer"


def test_replicas_are_endpoints_of_one_cluster_that_the_front_door_keeps_asking_whether_they_live(
    tmp_path: Path,
) -> None:
    two = envoy.Upstream("tracking", 9010, "/tracking/", others=(9030,))
    alone = envoy.Upstream("registry", 9011, "/registry/")

    clusters = prepared_with(tmp_path, two, alone)

    ends = clusters["tracking"]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert [end["endpoint"]["address"]["socket_address"]["port_value"] for end in ends] == [9010, 9030]
    assert clusters["tracking"]["health_checks"][0]["http_health_check"] == {"path": "/livez"}
    assert "health_checks" not in clusters["registry"]


def test_a_page_and_its_websocket_reach_the_same_console(tmp_path: Path) -> None:
    clusters = prepared_with(tmp_path, envoy.Upstream("console", 9016, "/", websockets=True, others=(9036,)))

    [route] = routes_of(tmp_path / "envoy" / "routes.base.json")
    assert clusters["console"]["lb_policy"] == "RING_HASH"
    assert route["route"]["hash_policy"] == [{"cookie": {"name": "murmur-console", "path": "/", "ttl": "0s"}}]


def prepared_with(tmp_path: Path, *upstreams: envoy.Upstream) -> dict[str, dict[str, Any]]:
    envoy.prepare(FlockSettings(home=tmp_path, port=9000), Home(tmp_path), upstreams)
    content = json.loads((tmp_path / "envoy" / "clusters.base.json").read_text())
    return {cluster["name"]: cluster for cluster in content["resources"]}
