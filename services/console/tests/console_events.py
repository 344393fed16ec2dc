"""Made-up values that events of the credit workflow carry, and who tells such events one after another."""

from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from murmur_events import Envelope, Event, topic_of
from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.catalog import dead_letters_of
from murmur_events.dead_letters import DeadLettered
from murmur_events.models import VersionState
from murmur_events.runs import Provenance
from murmur_events.values import Artifact, ColumnSpec, DatasetRef, ModelArtifacts, Signature


def artifact(name: str) -> Artifact:
    sha256 = (uuid5(NAMESPACE_URL, name).hex * 2)[:64]
    return Artifact(uri=f"file:///flock/artifacts/{sha256}", sha256=sha256, size=4096)


def dataset(quarter: str) -> DatasetRef:
    return DatasetRef(
        name="credit",
        digest=artifact(quarter).sha256,
        train=artifact(f"{quarter}/train"),
        holdout=artifact(f"{quarter}/holdout"),
        train_rows=4_512,
        holdout_rows=1_488,
        as_of=quarter,
    )


def version_state(version: int, run: str, auc: float) -> VersionState:
    return VersionState(
        model="credit",
        version=version,
        workflow="credit",
        revision=1,
        run_id=run,
        artifacts=ModelArtifacts(
            model=artifact(f"model {version}"),
            signature=Signature(inputs=(ColumnSpec(name="limit_bal"), ColumnSpec(name="pay_0", dtype="integer"))),
            probe=artifact(f"probe {version}"),
            reference=artifact(f"reference {version}"),
            dataset=dataset(f"quarter {version}"),
        ),
        metrics={"auc": auc, "ks": auc - 0.36},
    )


NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PROVENANCE = Provenance(code=artifact("code"), environment=artifact("environment"), seed=7, revision=1)
PARAMETERS: dict[str, bool | int | float | str] = {"max_depth": 4, "eta": 0.1}


class Teller:
    """Tells events one after another: each is caused by the last unless it is told otherwise."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.told: list[Envelope] = []
        self.last: Envelope | None = None
        self._chain = ""
        self._sequences: dict[tuple[str, str], int] = {}

    def root(self, chain: str) -> None:
        self._chain, self.last = chain, None

    def tell(
        self, event: Event, *, after: float = 0.02, cause: Envelope | None = None, service: str = "", topic: str = ""
    ) -> Envelope:
        self.now += timedelta(seconds=after)
        row = dead_letters_of(service) if isinstance(event, DeadLettered) else topic_of(event)
        key = row.key_of(event)
        sequence = self._sequences[row.name, key] = self._sequences.get((row.name, key), 0) + 1
        because = cause or self.last
        self.last = Envelope(
            id=str(uuid5(NAMESPACE_URL, f"{self._chain}/{row.name}/{key}/{sequence}")),
            source=service or row.owner,
            topic=row.name,
            key=key,
            time=self.now,
            sequence=sequence,
            correlation_id=str(uuid5(NAMESPACE_URL, self._chain)),
            causation_id=because.id if because else None,
            event=event,
        )
        self.told.append(self.last)
        return self.last


def freeze(teller: Teller, *, end: bool = False) -> None:
    """An operator freezes promotion of credit, or lifts that."""
    teller.root(f"freeze {end}")
    kind, revision = (AutomationUnfrozen, 2) if end else (AutomationFrozen, 1)
    teller.tell(
        kind(
            scope="promotion/credit",
            what="promotion",
            workflow="credit",
            revision=revision,
            by="olga",
            reason="quarter end",
        )
    )
