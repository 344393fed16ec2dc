"""The doctor's judgements: what is wrong, how bad it is, what to do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from murmur_runtime import doctor
from murmur_runtime.doctor import GIB, Severity
from murmur_runtime.flock import Status
from murmur_runtime.processes import Role
from murmur_runtime.reports import ServiceReport
from murmur_runtime.settings import FlockSettings
from murmur_runtime.state import Phase, ProcessState

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def process(phase: Phase, *, detail: str = "", restarts: int = 0) -> ProcessState:
    return ProcessState(
        name="trainer", role=Role.SERVICE, port=8092, phase=phase, detail=detail, pid=7, since=NOW, restarts=restarts
    )


def report(**numbers: object) -> dict[str, ServiceReport]:
    return {"trainer": ServiceReport.model_validate({"service": "trainer", "ready": True, **numbers})}


@pytest.mark.parametrize(
    ("free", "severity"),
    [(100 * GIB, Severity.FINE), (GIB, Severity.WARNING), (GIB // 4, Severity.PROBLEM)],
)
def test_a_disk_that_fills_up_is_seen_before_it_is_full(free: int, severity: Severity) -> None:
    assert doctor.disk(free, Path("/")).severity is severity


def test_memory_is_judged_by_what_is_still_to_be_started() -> None:
    assert doctor.memory(GIB, running=False).severity is Severity.WARNING
    assert doctor.memory(GIB, running=True).severity is Severity.FINE


def test_an_old_python_is_a_problem() -> None:
    assert doctor.python_version((3, 10)).severity is Severity.PROBLEM
    assert doctor.python_version((3, 11)).severity is Severity.FINE


@pytest.mark.parametrize(
    ("newest", "severity"),
    [
        (None, Severity.FINE),
        (NOW - timedelta(days=3), Severity.FINE),
        (NOW + timedelta(minutes=5), Severity.PROBLEM),
    ],
)
def test_a_clock_that_was_set_back_is_seen(newest: datetime | None, severity: Severity) -> None:
    assert doctor.clock(NOW, newest).severity is severity


def test_a_clock_that_was_never_set_is_seen() -> None:
    assert doctor.clock(datetime(1970, 1, 2, tzinfo=UTC), None).severity is Severity.PROBLEM


def test_a_dead_service_is_named_with_its_reason_and_its_log() -> None:
    now = Status(1, (process(Phase.BACKING_OFF, detail="ended with exit code 3", restarts=2),))

    (finding,) = doctor.processes(now)

    assert (finding.subject, finding.severity) == ("trainer", Severity.PROBLEM)
    assert "exit code 3" in finding.message
    assert "murmur logs trainer" in finding.advice


def test_a_service_that_comes_back_again_and_again_is_a_warning() -> None:
    (finding,) = doctor.processes(Status(1, (process(Phase.READY, restarts=5),)))

    assert finding.severity is Severity.WARNING


def test_a_flock_without_supervisor_is_a_problem() -> None:
    (finding,) = doctor.supervision(Status(None, ()))

    assert finding.severity is Severity.PROBLEM
    assert "murmur up" in finding.advice


def test_lag_that_shrinks_is_no_finding_but_lag_that_grows_is() -> None:
    assert doctor.services(report(lag=900), report(lag=500)) == []

    (finding,) = doctor.services(report(lag=500), report(lag=900))
    assert "900" in finding.message


@pytest.mark.parametrize(
    "numbers", [{"parked": 3}, {"dead_letters": 2}, {"outbox": 4, "outbox_age_s": 60.0}, {"jobs": {"failed": 1}}]
)
def test_what_waits_or_failed_is_told_with_advice(numbers: dict[str, object]) -> None:
    (finding,) = doctor.services({}, report(**numbers))

    assert finding.severity is Severity.WARNING
    assert finding.advice


def test_a_service_that_is_well_gives_no_finding() -> None:
    assert doctor.services(report(), report(lag=3, outbox=1, outbox_age_s=0.1)) == []


async def test_a_machine_without_a_flock_is_examined(settings: FlockSettings) -> None:
    findings = {finding.subject: finding for finding in await doctor.examine(settings)}

    assert {"python", "memory", "disk", "clock", "flock"} <= set(findings)
    assert findings["flock"].message == "not up"
