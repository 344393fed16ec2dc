"""A made-up story of the credit workflow, true to form; run as a script it prints it for `murmur_console --story`."""

import sys
from datetime import UTC, datetime, timedelta

from console_events import PARAMETERS, PROVENANCE, Teller, artifact, dataset, version_state

from murmur_console.story_file import line_of
from murmur_events import Envelope
from murmur_events.datasets import DatasetRegistered
from murmur_events.dead_letters import DeadLettered
from murmur_events.deployments import ModelDeployed
from murmur_events.models import (
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    ReviewDecided,
    ReviewRequested,
)
from murmur_events.monitoring import DriftDetected, FeatureDrift, WindowMeasured
from murmur_events.runs import RunCompleted, RunLogged, RunStarted
from murmur_events.training import TrainingRequested, TrainingSkipped, Trigger
from murmur_events.validation import Check, SliceResult, ValidationCompleted
from murmur_events.values import Interval
from murmur_events.workflows import DataSection, WorkflowApplied, WorkflowDefinition


def apply_workflow(teller: Teller) -> None:
    teller.root("apply")
    definition = WorkflowDefinition(
        name="credit",
        description="who will not pay the next bill",
        schedule="0 0 1 1,4,7,10 *",
        data=DataSection(target="default", features=("limit_bal", "pay_0"), identity="id", period="quarter"),
    )
    teller.tell(WorkflowApplied(workflow="credit", revision=1, definition=definition, code=artifact("code")))


def train(teller: Teller, trigger: Trigger, as_of: datetime, version: int, auc: float, run: str) -> Envelope:
    """From the request to the registered version; its event is returned."""
    if teller.last is None or trigger.kind == "drift":
        teller.tell(TrainingRequested(workflow="credit", trigger=trigger, as_of=as_of))
    started = teller.now + timedelta(seconds=0.31)
    teller.tell(
        RunStarted(
            run_id=run,
            workflow="credit",
            revision=1,
            trigger=trigger,
            as_of=as_of,
            attempt=1,
            parameters=PARAMETERS,
            provenance=PROVENANCE,
            started_at=started,
        ),
        after=0.31,
    )
    beginning = teller.last
    data = dataset(f"quarter {version}")
    teller.tell(
        DatasetRegistered(workflow="credit", dataset=data, label_rate=0.221, periods=("2005Q2", "2005Q3")), after=0.9
    )
    teller.tell(
        RunLogged(run_id=run, workflow="credit", attempt=1, lines=("round 60  auc 0.771",), progress=0.6),
        cause=beginning,
    )
    teller.tell(
        RunCompleted(
            run_id=run,
            workflow="credit",
            revision=1,
            trigger=trigger,
            as_of=as_of,
            attempt=1,
            parameters=PARAMETERS,
            provenance=PROVENANCE,
            metrics={"auc": auc},
            dataset=data,
            model=version_state(version, run, auc).artifacts,
            log=artifact(f"log {run}"),
            started_at=started,
            ended_at=teller.now + timedelta(seconds=1.5),
        ),
        after=1.5,
        cause=beginning,
    )
    return teller.tell(
        ModelRegistered(model="credit", version=version, state=version_state(version, run, auc)), after=0.041
    )


def judge(teller: Teller, version: int, baseline: int | None, auc: float, difference: float) -> Envelope:
    verdict = "first" if baseline is None else "better" if difference > 0 else "not_better"
    interval = Interval(value=difference, low=difference - 0.008, high=difference + 0.008)
    summary = (
        f"first version: AUC {auc:.3f}, all checks passed"
        if baseline is None
        else f"{verdict.replace('_', ' ')} than v{baseline}: AUC {difference:+.3f}"
        f" [{interval.low:+.3f}, {interval.high:+.3f}]"
    )
    return teller.tell(
        ValidationCompleted(
            model="credit",
            version=version,
            baseline=baseline,
            verdict=verdict,
            summary=summary,
            candidate_metrics={"auc": auc, "ks": auc - 0.36, "brier": 0.135, "log_loss": 0.431},
            baseline_metrics={}
            if baseline is None
            else {"auc": auc - difference, "ks": auc - 0.37, "brier": 0.139, "log_loss": 0.440},
            differences={} if baseline is None else {"auc": interval},
            checks=(Check(name="minimum_auc", passed=True, detail=f"{auc:.3f} >= 0.7"),),
            slices=(SliceResult(column="sex", value="1", rows=590, candidate_auc=auc, baseline_auc=auc - difference),),
            holdout_rows=1_488,
            report=artifact(f"report {version}"),
        ),
        after=1.394,
    )


def ask_for_review(teller: Teller, version: int, verdict: Envelope) -> Envelope:
    state = version_state(version, f"r-{version}", 0.78)
    event = verdict.event
    assert isinstance(event, ValidationCompleted)
    teller.tell(
        ModelPromoted(
            model="credit",
            version=version,
            alias="staging",
            alias_revision=version,
            state=state,
            by="registry",
            reason=event.summary,
        ),
        after=0.035,
    )
    return teller.tell(
        ReviewRequested(
            model="credit", version=version, baseline=event.baseline, summary=event.summary, report=event.report
        ),
        after=0.0,
        cause=verdict,
    )


def approve(teller: Teller, version: int, replaces: int | None, *, after: float) -> None:
    state = version_state(version, f"r-{version}", 0.78)
    decided = teller.tell(
        ReviewDecided(
            model="credit", version=version, decision="approved", by="Ada Park", reason="better where it matters"
        ),
        after=after,
    )
    promoted = teller.tell(
        ModelPromoted(
            model="credit",
            version=version,
            alias="production",
            alias_revision=version,
            replaces=replaces,
            state=state,
            by="Ada Park",
            reason="better where it matters",
        ),
        after=0.0,
    )
    if replaces:
        teller.tell(
            ModelArchived(model="credit", version=replaces, was="production", replaced_by=version),
            after=0.0,
            cause=decided,
        )
    teller.tell(
        ModelDeployed(
            deployment="credit",
            model="credit",
            version=version,
            replaces=replaces,
            replica=f"credit-v{version}-0",
            endpoint="/v2/models/credit",
            state=state,
        ),
        after=3.2,
        cause=promoted,
    )


def measure(teller: Teller, version: int, outcome: str, *, count: int = 1, cause: Envelope | None = None) -> None:
    for number in range(count):
        end = teller.now + timedelta(seconds=60)
        teller.tell(
            WindowMeasured(
                deployment="credit",
                model="credit",
                version=version,
                start=end - timedelta(seconds=60),
                end=end,
                revision=1,
                rows=1_180 + 37 * number,
                errors=0,
                rate=19.7 + number / 10,
                latency_p50_ms=2.1,
                latency_p99_ms=6.4 + number / 5,
                output_mean=0.223,
                outcome=outcome,  # type: ignore[arg-type]  # checked by pydantic
            ),
            after=61,
            cause=cause,
        )


def drift(teller: Teller, version: int) -> Envelope:
    features = (
        FeatureDrift(feature="limit_bal", statistic=0.41, p_value=1e-30, drifted=True),
        FeatureDrift(feature="education", statistic=0.22, p_value=1e-12, drifted=True),
        FeatureDrift(feature="age", statistic=0.03, p_value=0.2, drifted=False),
    )
    return teller.tell(
        DriftDetected(
            deployment="credit",
            model="credit",
            version=version,
            workflow="credit",
            episode="credit/1",
            start=teller.now - timedelta(seconds=61),
            end=teller.now,
            rows=1_180,
            engine="alibi-detect 0.13",
            threshold=0.0005,
            features=features,
        ),
        after=0.4,
    )


def credit_story(end: datetime) -> Teller:
    """Applied; v1 trained, reviewed, deployed and watched; v2 not better; drift; v3 better and waiting for a review."""
    teller = Teller(end - timedelta(minutes=48))
    quarters = [datetime(2005, month, 1, tzinfo=UTC) for month in (4, 7, 10)]
    apply_workflow(teller)

    teller.root("first")
    teller.now += timedelta(minutes=1)
    train(teller, Trigger(kind="schedule", key="2005-04-01"), quarters[0], 1, 0.771, "r-7f3a91c2")
    ask_for_review(teller, 1, judge(teller, 1, None, 0.771, 0.0))
    approve(teller, 1, None, after=131.0)
    measure(teller, 1, "stable", count=6, cause=teller.last)

    teller.root("second")
    teller.now += timedelta(minutes=2)
    train(teller, Trigger(kind="schedule", key="2005-07-01"), quarters[1], 2, 0.764, "r-1c08be44")
    judge(teller, 2, 1, 0.764, -0.004)
    teller.tell(
        ModelRejected(
            model="credit",
            version=2,
            by="registry",
            reason="not better than v1",
            failed_checks=("better_than_baseline",),
        )
    )
    teller.root("again")
    trigger = Trigger(kind="schedule", key="2005-07-01")
    teller.tell(TrainingRequested(workflow="credit", trigger=trigger, as_of=quarters[1]), after=30)
    teller.tell(
        TrainingSkipped(
            workflow="credit", trigger=trigger, why="already_trained", detail="run r-1c08be44 did that tick"
        )
    )
    teller.tell(
        DeadLettered(
            letter_id="dl-1",
            service="tracking",
            topic="run.completed",
            partition=2,
            offset=17,
            key="r-unknown",
            error="InvalidPayload",
            reason="the value of a record on 'run.completed' does not fit its schema: metrics: Field required",
            event_id=None,
            at=teller.now,
        ),
        service="tracking",
    )

    teller.root("drift")
    teller.now = end - timedelta(minutes=4)
    measure(teller, 1, "drift", count=1)
    drift(teller, 1)
    trigger = Trigger(kind="drift", key="credit/1", reason="episode credit/1")
    train(teller, trigger, quarters[2], 3, 0.789, "r-9d2e07aa")
    ask_for_review(teller, 3, judge(teller, 3, 1, 0.789, 0.018))
    return teller


if __name__ == "__main__":
    for told in credit_story(datetime.now(UTC)).told:
        sys.stdout.write(line_of(told) + "\n")
