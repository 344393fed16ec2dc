"""What the console makes of the events of a deployment, in whatever order its topics are read."""

import random
from dataclasses import replace

import pytest
from console_deployment import COLUMNS, ask_for_batch, deploy, fraud_story, judge_step, roll_back, start_canary, window
from console_events import NOON, Teller

from murmur_console.domain.canary_steps import amount, outcome, steps, title
from murmur_console.domain.deployments import BatchState, Deployed, RolledBack
from murmur_console.domain.happenings import happenings, marks
from murmur_console.domain.history import KEPT_EVENTS, KEPT_WINDOWS, History, shares
from murmur_console.memory import Memory


def heard(teller: Teller) -> History:
    memory = Memory()
    for envelope in teller.told:
        memory.hear(envelope)
    return memory.estate.deployments["fraud"]


@pytest.fixture
def fraud() -> History:
    return heard(fraud_story(NOON))


@pytest.fixture
def teller() -> Teller:
    teller = Teller(NOON)
    teller.root("v1")
    deploy(teller, 1, None)
    return teller


def test_topics_in_any_order_make_the_same_history(fraud: History) -> None:
    story = fraud_story(NOON)
    random.Random(11).shuffle(story.told)
    assert heard(story) == fraud


def test_who_serves_is_the_newest_that_was_deployed_and_its_canary_goes_on(fraud: History) -> None:
    assert fraud.serving is not None
    assert (fraud.serving.version, fraud.serving.release.run) == (2, "r-fraud-2")
    assert [column.name for column in fraud.serving.release.inputs] == [column.name for column in COLUMNS]
    newest, rolled, passed = fraud.canary_runs()
    assert newest.ended is None
    assert [(step.share, step.state) for step in steps(newest)] == [
        ("5 %", "passed"),
        ("25 %", "now"),
        ("50 %", "next"),
    ]
    assert isinstance(rolled.ended, RolledBack)
    assert [step.state for step in steps(rolled)] == ["stopped", "next", "next"]
    assert outcome(rolled) == "rolled back by deployer: errors: 8.10% of the requests fail"
    assert isinstance(passed.ended, Deployed)
    assert [step.state for step in steps(passed)] == ["passed"] * 3
    assert (outcome(newest), title(newest)) == ("", "Canary v4, compared with v2")


def test_a_person_who_rolls_back_leads_to_the_version_before(teller: Teller) -> None:
    deploy(teller, 2, 1)
    roll_back(teller, 2, 1, "ada", "false alarms")
    history = heard(teller)
    assert history.serving is not None
    assert (history.serving.version, history.serving.at) == (1, teller.now)
    deploy(teller, 3, 1)
    serving = heard(teller).serving
    assert serving is not None
    assert serving.version == 3


def test_a_canary_that_is_rolled_back_leaves_what_serves(teller: Teller) -> None:
    start_canary(teller, 2, 1)
    roll_back(teller, 2, 1, "deployer", "errors")
    history = heard(teller)
    assert history.serving is not None
    assert (history.serving.version, history.serving.at) == (1, history.deployed[0].at)


def test_most_deployments_have_no_canary(teller: Teller) -> None:
    history = heard(teller)
    assert history.canary_runs() == []
    assert [one.label for one in happenings(history)] == ["v1 serves"]


def test_one_version_tried_twice_is_two_canaries(teller: Teller) -> None:
    start_canary(teller, 2, 1)
    judge_step(teller, 2, 1, 1, "roll_back")
    roll_back(teller, 2, 1, "deployer", "errors")
    start_canary(teller, 2, 1)
    judge_step(teller, 2, 1, 1, "advance")
    second, first = heard(teller).canary_runs()
    assert (len(second.judgements), second.ended, second.current) == (1, None, 1)
    assert isinstance(first.ended, RolledBack)
    assert [one.verdict for one in first.judgements] == ["roll_back"]


def test_copies_are_a_shadow(teller: Teller) -> None:
    start_canary(teller, 2, 1, (0.0, 0.5))
    (run,) = heard(teller).canary_runs()
    assert title(run) == "Shadow v2, compared with v1"
    judge_step(teller, 2, 1, 1, "advance", steps=(0.0, 0.5))
    (run,) = heard(teller).canary_runs()
    assert title(run) == "Canary v2, compared with v1"
    assert shares(run.start.steps) == ["copies", "50 %"]


def test_two_versions_have_their_own_windows_of_one_minute(teller: Teller) -> None:
    window(teller, 1, rows=900)
    window(teller, 2, rows=100)
    history = heard(teller)
    assert [(one.version, one.rows) for one in history.windows[-2:]] == [(1, 900), (2, 100)]
    assert history.latest_window(1) is not None
    assert history.versions() == [1, 2]


def test_batches_run_end_and_fail_whichever_is_heard_first(fraud: History) -> None:
    assert {one.id: one.state for one in fraud.batches.values()} == {
        "b-done": BatchState.DONE,
        "b-failed": BatchState.FAILED,
        "b-running": BatchState.RUNNING,
    }
    done = fraud.batches["b-done"]
    assert (done.rows, done.refused, done.by, done.seconds) == (250_000, 3, "olga", 41.5)
    assert fraud.batches["b-failed"].message == "columns differ: the file lacks 'amount'"


def test_memory_is_bounded(teller: Teller) -> None:
    for number in range(KEPT_WINDOWS + 5):
        window(teller, 1, after=60.0, rows=number)
    for number in range(KEPT_EVENTS + 5):
        ask_for_batch(teller, f"b-{number}")
    history = heard(teller)
    assert (len(history.windows), history.windows[0].rows) == (KEPT_WINDOWS, 5)
    assert len(history.batches) == KEPT_EVENTS
    assert "b-0" not in history.batches


def test_what_happened_is_told_in_order_and_numbered(fraud: History) -> None:
    told = happenings(fraud)
    assert [one.at for one in told] == sorted(one.at for one in told)
    labels = [one.label for one in told]
    assert labels[:4] == ["v1 serves", "v2 canary, 5 %", "v2 step 1 passed", "v2 step 2 passed"]
    assert {"drift", "worse average precision", "v3 rolled back"} <= set(labels)
    assert [mark.number for mark in marks(told)] == list(range(1, len(told) + 1))


def test_shares_of_requests_are_percentages_and_distances_are_not(fraud: History) -> None:
    errors, _, outputs = fraud.canary_runs()[1].judgements[0].tests
    assert (amount(errors, errors.canary), amount(outputs, outputs.canary), amount(outputs, None)) == (
        "8.1 %",
        "0.04",
        "",
    )


def test_a_roll_out_that_failed_is_told_until_one_succeeds(fraud: History) -> None:
    assert fraud.trouble == ""
    history = replace(fraud, failed=[])
    assert history.trouble == ""
