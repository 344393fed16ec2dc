"""The ledger of a live flock: every record once, though its service is killed; a changed byte is located."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from ledger_checker import differences, recorded, said
from live import LiveFlock, of

from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]


async def test_a_workflow_is_in_the_ledger_once_though_audit_is_killed_on_its_way(
    flock: LiveFlock, tmp_path: Path
) -> None:
    name = "audited"
    await asyncio.to_thread(flock.wait_ready)
    await flock.apply(flock.scaffold(tmp_path / name, name), name)
    flock.kill("audit")
    await flock.trigger(name)
    await flock.until("the run", of("run.started", name))
    await asyncio.to_thread(flock.wait_ready)
    await flock.until("the review", of("review.requested", name), within=150)
    flock.kill("audit")
    await flock.review(name, 1, "approved")
    await flock.until("the deployment", of("model.deployed", name), within=150)
    await agree(flock, within=90)
    report = verified(flock)
    assert report["ok"], report["faults"]


async def test_a_changed_byte_in_the_live_ledger_is_located(flock: LiveFlock) -> None:
    await asyncio.to_thread(flock.wait_ready)
    segment = sorted((flock.settings.home / "ledger").glob("*.ledger"))[0]
    whole = segment.read_bytes()
    second = 84 + int.from_bytes(whole[4:8], "big")
    try:
        change(segment, second + 130)
        [fault] = verified(flock, exit_code=1)["faults"]
        assert (fault["kind"], fault["position"], fault["topic"]) == ("changed", 2, topic_at(whole, second))
    finally:
        change(segment, second + 130)
    assert verified(flock)["ok"], "the negative control: the byte is as it was"


async def agree(flock: LiveFlock, *, within: float) -> None:
    """Until the ledger says what Kafka says, both read by the auditor's own program; else it is told what differs."""
    found: list[str] = []

    async def same() -> bool:
        events, digests = recorded(flock.settings.home / "ledger")
        found[:] = differences(await said(flock.settings.brokers), events, digests)
        return not found

    try:
        await eventually(same, within=within)
    except AssertionError:
        raise AssertionError(f"the ledger and Kafka differ: {found[:5]}") from None


def verified(flock: LiveFlock, *, exit_code: int = 0) -> dict[str, Any]:
    done = flock.murmur("audit", "verify", "--json")
    assert done.returncode == exit_code, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def change(path: Path, offset: int) -> None:
    """One bit, in place; a second time puts it back."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def topic_at(data: bytes, entry: int) -> str:
    size = int.from_bytes(data[entry + 93 : entry + 95], "big")
    return data[entry + 95 : entry + 95 + size].decode()
