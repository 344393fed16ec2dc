"""What others say to the trainer, and the files of a workflow, each with only what a test cares about as arguments."""

from datetime import UTC, datetime
from typing import Any

from murmur_events.monitoring import DriftDetected, FeatureDrift, PerformanceDegraded
from murmur_events.training import TrainingRequested, Trigger
from murmur_events.values import Interval
from murmur_trainer.handlers import ApplyWorkflow

QUARTERLY = "0 0 1 1,4,7,10 *"
CODE = {
    "data.py": "def load(as_of, context):\n    return None\n",
    "train.py": "def train(context):\n    return None\n",
}


def definition(**more: str) -> str:
    """The text of a workflow.yaml; each keyword is a further section as it would be written there."""
    sections = "".join(f"{name}: {text}\n" for name, text in more.items())
    return f"name: credit\ndata: {{target: default, features: [limit, age], identity: id, period: quarter}}\n{sections}"


def workflow(*, files: dict[str, str] | None = None, **more: str) -> ApplyWorkflow:
    return ApplyWorkflow(name="credit", definition=definition(**more), files=files or CODE)


def requested(kind: Any = "manual", key: str = "k1", **more: Any) -> TrainingRequested:
    return TrainingRequested(
        **{
            "workflow": "credit",
            "trigger": Trigger(kind=kind, key=key),
            "as_of": datetime(2025, 1, 1, tzinfo=UTC),
            **more,
        }
    )


def drift(episode: str = "e1") -> DriftDetected:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    features = (
        FeatureDrift(feature="limit", statistic=0.4, p_value=1e-9, drifted=True),
        FeatureDrift(feature="age", statistic=0.1, p_value=0.5, drifted=False),
    )
    return DriftDetected(
        deployment="credit",
        model="credit",
        version=2,
        workflow="credit",
        episode=episode,
        start=at,
        end=at,
        rows=1000,
        engine="scipy 1",
        threshold=0.001,
        features=features,
    )


def degradation(episode: str = "d1") -> PerformanceDegraded:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return PerformanceDegraded(
        deployment="credit",
        model="credit",
        version=2,
        workflow="credit",
        episode=episode,
        start=at,
        end=at,
        metric="auc",
        value=Interval(value=0.6, low=0.55, high=0.65),
        baseline=0.78,
        max_loss=0.05,
        labelled=800,
        detail="auc 0.600 [0.550, 0.650] in 800 labels",
    )
