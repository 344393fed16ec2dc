"""Which process dies at which point, in which workflow: the scenes that test_points.py plays."""

from dataclasses import dataclass

from fuses import Arm, Point


@dataclass(frozen=True)
class Outside:
    """SIGKILL from outside, once an event of this topic is seen."""

    topic: str
    processes: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """name: of the workflow too. arms: process -> the fuse in it."""

    name: str
    point: str
    arms: tuple[tuple[str, Arm], ...] = ()
    outside: Outside | None = None


def _scene(name: str, process: str, point: Point, title: str = "", **where: object) -> Scene:
    arm = Arm(point, **where)  # type: ignore[arg-type]
    return Scene(name, title or point.value, ((process, arm),))


_MID_JOB, _MID_ROLLOUT, _BROKER = "mid-job", "mid-rollout", "broker during produce"

EVERY_POINT: tuple[Scene, ...] = (
    _scene("unpublished-request", "trainer", Point.COMMITTED, topic="training.requested"),
    _scene("unpublished-run", "trainer", Point.COMMITTED, topic="run.completed"),
    _scene("unpublished-version", "registry", Point.COMMITTED, topic="model.registered"),
    _scene("unpublished-verdict", "validator", Point.COMMITTED, topic="validation.completed"),
    _scene("unpublished-deployment", "deployer", Point.COMMITTED, topic="model.deployed"),
    _scene("unmarked-start", "trainer", Point.PUBLISHED, topic="run.started"),
    _scene("unmarked-run", "trainer", Point.PUBLISHED, topic="run.completed"),
    _scene("unmarked-review", "registry", Point.PUBLISHED, topic="review.requested"),
    _scene("unmarked-deployment", "deployer", Point.PUBLISHED, topic="model.deployed"),
    _scene("offset-request", "trainer", Point.HANDLED, topic="training.requested"),
    _scene("offset-run", "registry", Point.HANDLED, topic="run.completed"),
    _scene("offset-version", "validator", Point.HANDLED, topic="model.registered"),
    _scene("offset-promotion", "deployer", Point.HANDLED, topic="model.promoted"),
    _scene("offset-history", "tracking", Point.HANDLED, topic="run.completed"),
    _scene("offset-monitoring", "monitor", Point.HANDLED, topic="model.deployed"),
    _scene("job-begun", "trainer", Point.CLAIMED, "mid-job", kind="train"),
    _scene("handling-run", "registry", Point.COMMITTING, "handled, not recorded", topic="model.registered"),
    _scene("job-child-runs", "trainer", Point.COMMITTING, _MID_JOB, topic="run.logged"),
    _scene("job-child-ended", "trainer", Point.COMMITTING, _MID_JOB, topic="run.completed"),
    _scene("job-validation-begun", "validator", Point.CLAIMED, _MID_JOB, kind="validation"),
    _scene("job-validation-done", "validator", Point.COMMITTING, _MID_JOB, topic="validation.completed"),
    _scene("rollout-decided", "deployer", Point.COMMITTED, _MID_ROLLOUT, kind="deployment", reach=1),
    _scene("rollout-started", "deployer", Point.COMMITTING, _MID_ROLLOUT, kind="deployment", reach=2),
    _scene("rollout-unannounced", "deployer", Point.COMMITTING, _MID_ROLLOUT, topic="model.deployed"),
    _scene("lease-trainer", "trainer", Point.LEASED, topic="run.completed"),
    _scene("lease-registry", "registry", Point.LEASED, topic="model.promoted"),
    _scene("lease-deployer", "deployer", Point.LEASED, topic="model.deployed"),
    _scene("produce-run", "trainer", Point.PRODUCING, _BROKER, topic="run.completed", victim="kafka"),
    _scene("produce-version", "registry", Point.PRODUCING, _BROKER, topic="model.registered", victim="kafka"),
    _scene("produce-deployment", "deployer", Point.PRODUCING, _BROKER, topic="model.deployed", victim="kafka"),
    Scene("supervisor-alone", "supervisor", outside=Outside("run.started", ("supervisor",))),
    Scene("supervisor-trainer", "supervisor", outside=Outside("run.started", ("supervisor", "trainer"))),
    Scene("supervisor-broker", "supervisor", outside=Outside("model.registered", ("supervisor", "kafka", "envoy"))),
    Scene("outside-monitor", "from outside", outside=Outside("model.registered", ("monitor",))),
    Scene("outside-console", "from outside", outside=Outside("run.started", ("console",))),
    Scene("outside-envoy", "from outside", outside=Outside("run.started", ("envoy",))),
)


def gauntlet(name: str, *names: str, outside: Outside | None = None) -> Scene:
    """One workflow that meets the fuses of several scenes, in different services."""
    arms = tuple(pair for scene in EVERY_POINT if scene.name in names for pair in scene.arms)
    return Scene(name, "several", arms, outside)


FEW_POINTS: tuple[Scene, ...] = (
    gauntlet(
        "gauntlet-one",
        *("job-child-runs", "unpublished-version", "offset-version", "rollout-started"),
        outside=Outside("run.started", ("supervisor",)),
    ),
)
