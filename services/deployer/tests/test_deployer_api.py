"""What the REST API shows."""

from pathlib import Path

import pytest

from murmur_deployer.api import ListDeployments, list_deployments, show_deployment
from murmur_deployer.app import create_app
from murmur_deployer.scraping import list_targets
from murmur_deployer.settings import Settings
from murmur_kernel.errors import Missing, Transient


async def test_a_deployment_shows_what_serves_what_retires_and_how_it_is_reached(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    shown = await deployer.kernel.read(show_deployment, "credit")
    assert (shown.state, shown.endpoint, shown.target_version, shown.serving_version) == (
        "serving",
        "/v2/models/credit",
        2,
        2,
    )
    assert [(replica.name, replica.role) for replica in shown.replicas] == [
        ("credit-v2-2", "serving"),
        ("credit-v1-1", "retiring"),
    ]
    assert shown.replicas[0].pid is not None


async def test_a_failed_rollout_is_shown_beside_what_still_serves(deployer) -> None:
    await deployer.deploy(1)
    deployer.servers.dying.add(2)
    await deployer.deploy(2)
    page = await deployer.kernel.read(list_deployments, ListDeployments(limit=10, cursor=None))
    [shown] = page.items
    assert (shown.serving_version, shown.target_version, shown.failure.cause) == (1, 2, "did_not_start")
    assert page.next is None


async def test_a_canary_is_shown_with_its_step_and_share(deployer) -> None:
    await deployer.deploy(1)
    await deployer.apply(revision=2, strategy="canary", canary={"steps": [0.1, 0.5]})

    async def asked_meanwhile(seconds: float) -> None:
        shown.append(await deployer.kernel.read(show_deployment, "credit"))
        raise Transient("enough was seen")

    shown: list = []
    deployer.between_looks = asked_meanwhile
    await deployer.deploy(2)
    [view] = shown
    assert (view.state, view.serving_version, view.target_version) == ("canary", 1, 2)
    assert (view.canary.version, view.canary.step, view.canary.weight) == (2, 1, 0.1)
    assert [(replica.role, replica.version, replica.proven) for replica in view.replicas] == [
        ("serving", 1, True),
        ("candidate", 2, True),
    ]


async def test_a_rollout_under_way_is_shown(deployer) -> None:
    await deployer.promote(1)
    shown = await deployer.kernel.read(show_deployment, "credit")
    assert (shown.state, shown.serving_version, shown.replicas) == ("rolling_out", None, [])


async def test_prometheus_is_told_where_model_servers_answer(deployer) -> None:
    await deployer.deploy(1)
    await deployer.deploy(2)
    groups = await deployer.kernel.read(list_targets, "127.0.0.1")
    ports = [replica.http_port for replica in (await deployer.kernel.read(show_deployment, "credit")).replicas]
    assert [group.labels["replica"] for group in groups] == ["credit-v2-2", "credit-v1-1"]
    assert [group.targets for group in groups] == [[f"127.0.0.1:{port}"] for port in ports]


async def test_a_model_that_was_never_promoted_is_not_found(deployer) -> None:
    with pytest.raises(Missing):
        await deployer.kernel.read(show_deployment, "nobody")


def test_the_service_is_put_together_without_doing_anything(tmp_path: Path) -> None:
    app = create_app(Settings(home=tmp_path, port=20_000))
    assert {"/v1/deployments", "/v1/deployments/{name}", "/readyz"} <= set(app.openapi()["paths"])
    assert not list((tmp_path).glob("replicas"))


def test_model_servers_listen_beside_the_front_door() -> None:
    ports = Settings(port=9000).model_server_ports
    assert (ports[0], ports[-1]) == (9100, 9499)
