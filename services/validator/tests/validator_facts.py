"""A small credit book with a real signal in it, models that use it well or badly, and the facts about them."""

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import xgboost

from murmur_events.models import ModelPromoted, ModelRegistered, VersionState
from murmur_events.values import Artifact, ColumnSpec, DatasetRef, ModelArtifacts, Signature
from murmur_events.workflows import DataSection, ValidationSection, WorkflowApplied, WorkflowDefinition
from murmur_kernel.artifacts import ArtifactStore
from murmur_training.splitting import held_out
from murmur_validator.ports import Dossier

FEATURES = ("amount", "age", "late")
TRAIN_ROWS, HOLDOUT_ROWS = 1200, 900
SHARE = 0.4


def data_section(**changes: object) -> DataSection:
    section: dict[str, object] = {
        "target": "default",
        "features": FEATURES,
        "identity": "customer",
        "period": "quarter",
        "slices": ("sex",),
        "holdout": SHARE,
    }
    return DataSection.model_validate(section | changes)


def validation_section(**changes: object) -> ValidationSection:
    return ValidationSection.model_validate({"minimum_auc": 0.6, "min_slice_rows": 100} | changes)


def workflow_applied(
    *, revision: int = 1, data: DataSection | None = None, validation: ValidationSection | None = None
) -> WorkflowApplied:
    definition = WorkflowDefinition(
        name="credit", data=data or data_section(), validation=validation or validation_section()
    )
    return WorkflowApplied(workflow="credit", revision=revision, definition=definition, code=artifact("code"))


def artifact(name: str) -> Artifact:
    return Artifact(uri=f"file:///artifacts/{name}", sha256=name.encode().hex().ljust(64, "0")[:64], size=1)


@cache
def customers() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and holdout, cut by identity as a snapshot is."""
    rng = np.random.default_rng(11)
    rows = 4000
    frame = pd.DataFrame(
        {
            "customer": [str(number) for number in range(rows)],
            "amount": rng.normal(size=rows),
            "age": rng.integers(20, 70, size=rows).astype(float),
            "late": rng.poisson(0.6, size=rows).astype(float),
            "sex": rng.choice(["female", "male"], size=rows),
            "quarter": "2005Q3",
        }
    )
    risk = -1.6 + 1.1 * frame["late"] - 0.9 * frame["amount"] + 0.3 * np.sin(frame["age"])
    frame["default"] = (rng.random(rows) < 1 / (1 + np.exp(-risk))).astype(float)
    apart = held_out(frame["customer"], SHARE)
    return frame[~apart].head(TRAIN_ROWS), frame[apart].head(HOLDOUT_ROWS).reset_index(drop=True)


@cache
def good_model() -> bytes:
    """Has learned from every feature."""
    return _trained(rounds=40, features=FEATURES)


@cache
def weak_model() -> bytes:
    """A few stumps: right in direction, clearly worse than the good one."""
    return _trained(rounds=2, features=FEATURES, max_depth=1)


@cache
def random_model() -> bytes:
    """Was trained on labels in disorder."""
    return _trained(rounds=20, features=FEATURES, shuffle=True)


def _trained(*, rounds: int, features: tuple[str, ...], max_depth: int = 3, shuffle: bool = False) -> bytes:
    train, _ = customers()
    labels = train["default"].sample(frac=1, random_state=1).to_numpy() if shuffle else train["default"].to_numpy()
    matrix = xgboost.DMatrix(train[list(features)], labels)
    settings = {"objective": "binary:logistic", "max_depth": max_depth, "eta": 0.15, "seed": 1, "nthread": 1}
    return bytes(xgboost.train(settings, matrix, rounds).save_raw("ubj"))


@cache
def whole_holdout() -> bytes:
    return holdout_bytes(customers()[1])


def holdout_bytes(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def state(
    number: int,
    *,
    model: Artifact | None = None,
    holdout: Artifact | None = None,
    revision: int = 1,
    features: tuple[str, ...] = FEATURES,
    threshold: float | None = None,
    trained_until: str | None = None,
) -> VersionState:
    return VersionState(
        model="credit",
        version=number,
        workflow="credit",
        revision=revision,
        run_id=f"run-{number}",
        metrics={},
        artifacts=ModelArtifacts(
            model=model or artifact(f"model-{number}"),
            signature=Signature(inputs=tuple(ColumnSpec(name=name) for name in features)),
            probe=artifact("probe"),
            reference=artifact("reference"),
            dataset=DatasetRef(
                name="credit",
                digest="d" * 64,
                train=artifact("train"),
                holdout=holdout or artifact("holdout"),
                train_rows=TRAIN_ROWS,
                holdout_rows=HOLDOUT_ROWS,
                as_of="2005-10-01",
                trained_until=trained_until,
            ),
            threshold=threshold,
        ),
    )


@dataclass(frozen=True)
class Shelf:
    """Puts versions where a validator can fetch them."""

    artifacts: ArtifactStore

    async def version(
        self,
        number: int,
        model: bytes,
        *,
        revision: int = 1,
        holdout: bytes | None = None,
        features: tuple[str, ...] = FEATURES,
        threshold: float | None = None,
        trained_until: str | None = None,
    ) -> VersionState:
        return state(
            number,
            model=await self.artifacts.put_bytes(model, suffix=".ubj"),
            holdout=await self.artifacts.put_bytes(holdout or whole_holdout(), suffix=".parquet"),
            revision=revision,
            features=features,
            threshold=threshold,
            trained_until=trained_until,
        )


class PlainReporter:
    """A report of one line, for tests that look at verdicts. Shares its contract test with the real one."""

    async def render(self, dossier: Dossier) -> bytes:
        return dossier.judgement.summary.encode()


def registered(state: VersionState) -> ModelRegistered:
    return ModelRegistered(model=state.model, version=state.version, state=state)


def promoted(state: VersionState, *, alias: str = "production", revision: int = 1) -> ModelPromoted:
    return ModelPromoted.model_validate(
        {
            "model": state.model,
            "version": state.version,
            "alias": alias,
            "alias_revision": revision,
            "state": state,
            "by": "ann",
            "reason": "seen the report",
        }
    )
