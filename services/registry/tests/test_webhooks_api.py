"""Webhooks at REST, and real requests to a real server on this machine."""

import asyncio
import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from registry_doors import Doors

from murmur_kernel.testing import eventually


@dataclass
class Server:
    """Answers every request with one line, and keeps what it was told."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    port: int = 0
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        self.got.append((headers, (await reader.readexactly(int(headers["content-length"]))).decode()))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[Server]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server


async def given(door: Doors, url: str) -> dict[str, str]:
    answer = await door.http.post("/v1/webhooks", json={"url": url, "topics": ["model.changed"], "by": "olga"})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_an_event_arrives_signed_and_its_history_says_so(door: Doors) -> None:
    async with listening(Server()) as server:
        made = await given(door, f"http://localhost:{server.port}/hook?x=1")
        await door.make("churn", versions=1)
        await eventually(lambda: server.got)
        [(headers, body)] = server.got
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
        digest = hmac.new(b64decode(made["secret"].removeprefix("whsec_")), signed, "sha256").digest()
        assert headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"
        assert headers["host"] == f"localhost:{server.port}"

        async def delivered() -> list[dict[str, object]]:
            found = await door.http.get(f"/v1/webhooks/{made['id']}/deliveries?state=delivered")
            items: list[dict[str, object]] = found.json()["items"]
            return items

        [kept] = await eventually(delivered)
        assert (kept["message"], kept["body"]) == (headers["webhook-id"], body)


async def test_a_secret_is_shown_once_and_can_be_renewed(door: Doors) -> None:
    made = await given(door, "http://127.0.0.1:9/hook")
    assert made["secret"].startswith("whsec_")
    for path in ("/v1/webhooks", f"/v1/webhooks/{made['id']}"):
        assert made["secret"] not in (await door.http.get(path)).text
    renewed = (await door.http.post(f"/v1/webhooks/{made['id']}/secret")).json()
    assert renewed["secret"] != made["secret"]
    assert (await door.http.patch(f"/v1/webhooks/{made['id']}", json={"topics": ["*"]})).json()["topics"] == ["*"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n", 302),
    ],
)
async def test_the_test_button_says_what_became_of_it_and_follows_nothing(
    door: Doors, answer: bytes, status: int
) -> None:
    async with listening(Server(answer)) as server:
        made = await given(door, f"http://127.0.0.1:{server.port}/hook")
        tried = (await door.http.post(f"/v1/webhooks/{made['id']}/test")).json()
        assert (tried["status"], tried["error"], len(server.got)) == (status, "", 1)
        assert '"type":"webhook.tested"' in server.got[0][1]
    nobody = (await door.http.post(f"/v1/webhooks/{made['id']}/test")).json()
    assert (nobody["status"], nobody["error"][:12]) == (None, "ConnectError")


async def test_a_webhook_beyond_this_machine_is_not_reached(door: Doors) -> None:
    made = await given(door, "http://192.0.2.1/hook")
    tried = (await door.http.post(f"/v1/webhooks/{made['id']}/test")).json()
    assert tried["status"] is None
    assert "which is not this machine: allow it with MURMUR_WEBHOOK_HOSTS=192.0.2.1" in tried["error"]


async def test_what_cannot_be_is_refused_in_words(door: Doors) -> None:
    for body, told in (
        ({"url": "ftp://x", "topics": ["*"], "by": "olga"}, "no address of a web server"),
        ({"url": "http://localhost", "topics": ["run.failed"], "by": "olga"}, "no event of the registry"),
        ({"url": "http://localhost", "topics": ["*"], "workspace": "A B", "by": "olga"}, "no name of a workspace"),
    ):
        answer = await door.http.post("/v1/webhooks", json=body)
        assert (answer.status_code, answer.json()["title"]) == (422, "Invalid")
        assert told.removeprefix("no ") in answer.json()["detail"]
    made = await given(door, "http://127.0.0.1:9/hook")
    assert (await door.http.delete(f"/v1/webhooks/{made['id']}")).status_code == 200
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/deliveries/m/redeliver")):
        assert (await door.http.request(method, f"/v1/webhooks/{made['id']}{path}")).status_code == 404
