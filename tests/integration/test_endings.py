"""How a training, a review and a trigger end when they do not end well: each in a fact, with nothing half-done left."""

import asyncio
from pathlib import Path

import pytest
from live import LiveFlock, of

from murmur_events.runs import RunFailed
from murmur_events.validation import ValidationCompleted
from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(240)]

RAISES = "def train(context):\n    raise ValueError('the recipe is broken on purpose')\n"
ENDLESS = "import time\n\n\ndef train(context):\n    while True:\n        time.sleep(0.1)\n"
HUNGRY = "def train(context):\n    hoard = []\n    while True:\n        hoard.append(bytearray(50_000_000))\n"


async def failed(flock: LiveFlock, folder: Path, name: str, train: str, *, limits: str = "") -> RunFailed:
    flock.scaffold(folder, name, train=train)
    await flock.apply(folder, name, lambda text: with_limits(text, limits) if limits else text)
    await flock.trigger(name)
    envelope = await flock.until(f"the end of the run of {name}", of("run.failed", name))
    assert isinstance(envelope.event, RunFailed)
    assert not list((flock.settings.home / "trainer").iterdir())
    models = await flock.get("/registry/v1/models")
    assert name not in [model["name"] for model in models["items"]]
    return envelope.event


def with_limits(definition: str, limits: str) -> str:
    """The definition with `limits` in place of its own."""
    kept = [line for line in definition.splitlines() if not line.strip().startswith(("limits:", "time:", "memory:"))]
    place = kept.index("training:") + 1
    return "\n".join([*kept[:place], f"  limits: {limits}", *kept[place:]]) + "\n"


async def test_a_recipe_that_raises_ends_in_a_fact_with_its_traceback(flock: LiveFlock, tmp_path: Path) -> None:
    event = await failed(flock, tmp_path / "raises", "raises", RAISES)
    assert event.cause == "code_raised"
    assert "on purpose" in event.message
    assert "train.py" in event.message


async def test_a_recipe_that_never_ends_is_ended(flock: LiveFlock, tmp_path: Path) -> None:
    event = await failed(flock, tmp_path / "endless", "endless", ENDLESS, limits="{time: 4s, memory: 2GiB}")
    assert event.cause == "out_of_time"
    assert "4" in event.message


async def test_a_recipe_that_eats_memory_is_ended(flock: LiveFlock, tmp_path: Path) -> None:
    event = await failed(flock, tmp_path / "hungry", "hungry", HUNGRY, limits="{time: 2m, memory: 700MiB}")
    assert event.cause == "out_of_memory"


async def test_data_with_a_missing_column_is_rejected_by_its_name(flock: LiveFlock, tmp_path: Path) -> None:
    folder = flock.scaffold(tmp_path / "short", "short")
    data = (folder / "data.py").read_text()
    (folder / "data.py").write_text(data.replace("return ", "_unused = None\n    return ", 1) + MISSING)
    await flock.apply(folder, "short")
    await flock.trigger("short")
    envelope = await flock.until("the rejection", of("run.failed", "short"))
    assert isinstance(envelope.event, RunFailed)
    assert envelope.event.cause == "data_rejected"
    assert "column" in envelope.event.message


MISSING = """

_whole = load


def load(as_of, context):
    frame = _whole(as_of, context)
    return frame.drop(columns=[frame.columns[0]])
"""


async def test_a_refused_review_deploys_nothing(flock: LiveFlock, tmp_path: Path) -> None:
    await flock.apply(flock.scaffold(tmp_path / "refused", "refused"), "refused")
    await flock.trigger("refused")
    await flock.until("the review", of("review.requested", "refused"))
    await flock.review("refused", 1, "refused")
    await flock.until("the rejection", of("model.rejected", "refused", version=1))
    deployments = await flock.get("/deployer/v1/deployments")
    assert "refused" not in [deployment["name"] for deployment in deployments["items"]]


async def test_the_same_trigger_twice_makes_one_version(flock: LiveFlock, tmp_path: Path) -> None:
    await flock.apply(flock.scaffold(tmp_path / "twice", "twice"), "twice")
    await asyncio.gather(*(flock.trigger("twice", key="the same") for _ in range(3)))
    await flock.until("the review", of("review.requested", "twice"))
    versions = await flock.get("/registry/v1/models/twice/versions")
    assert len(versions["items"]) == 1
    history = await flock.history()
    assert sum(of("run.completed", "twice")(envelope) for envelope in history) == 1


async def test_a_model_file_that_was_changed_on_disk_is_never_served(flock: LiveFlock, tmp_path: Path) -> None:
    await flock.apply(flock.scaffold(tmp_path / "changed", "changed"), "changed")
    await flock.trigger("changed")
    registered = await flock.until("the version", of("model.registered", "changed"))
    await flock.until("the review", of("review.requested", "changed"))
    model = Path(registered.event.state.artifacts.model.uri.removeprefix("file://"))  # type: ignore[attr-defined]
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    await flock.review("changed", 1, "approved")
    envelope = await flock.until("the failure", of("deployment.failed", "changed", cause="artifact_corrupt"))
    assert registered.event.state.artifacts.model.sha256[:12] in envelope.event.message  # type: ignore[attr-defined]
    assert not list((flock.settings.home / "replicas").glob("changed-*"))


async def test_killing_the_client_after_the_trigger_changes_nothing(flock: LiveFlock, tmp_path: Path) -> None:
    await flock.apply(flock.scaffold(tmp_path / "alone", "alone"), "alone")
    client = flock.begin("trigger", "alone")
    await flock.until("the request", of("training.requested", "alone"))
    client.kill()
    client.wait()
    envelope = await flock.until("the verdict", of("validation.completed", "alone"))
    assert isinstance(envelope.event, ValidationCompleted)
    assert envelope.event.verdict == "first"


async def test_an_event_that_does_not_parse_is_a_dead_letter_that_can_be_seen(flock: LiveFlock) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=flock.settings.brokers)
    await producer.start()
    await producer.send_and_wait("training.requested", b'{"workflow": 7}', key=b"nonsense")
    await producer.stop()

    async def letters() -> list[str]:
        page = await flock.get("/trainer/v1/dead-letters")
        return [letter["reason"] for letter in page["items"] if letter["key"] == "nonsense"]

    (reason,) = await eventually(letters, within=20)
    assert "ce_type" in reason
    listed = await asyncio.to_thread(flock.murmur, "dead-letters", "list")
    assert "nonsense" in listed.stdout


async def test_a_workflow_file_with_mistakes_is_refused_at_line_and_column(flock: LiveFlock, tmp_path: Path) -> None:
    folder = flock.scaffold(tmp_path / "mistaken", "mistaken")
    definition = (folder / "workflow.yaml").read_text()
    (folder / "workflow.yaml").write_text(definition.replace("training:", "trainning:", 1))
    line = definition.splitlines().index("training:") + 1
    done = await asyncio.to_thread(flock.murmur, "apply", str(folder))
    assert done.returncode == 1
    assert f"workflow.yaml:{line}:1" in done.stderr
    assert "training" in done.stderr
    names = [workflow["name"] for workflow in (await flock.get("/trainer/v1/workflows"))["items"]]
    assert "mistaken" not in names
