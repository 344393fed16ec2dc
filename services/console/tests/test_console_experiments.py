"""Experiments and their tables of runs in a real browser: search with completion, columns, order, pages, choosing."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

import pytest
from console_process import RunningConsole, running_console
from console_research import FakeTracking
from console_story import credit_story

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TABLE = "/experiments/7"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with running_console(tmp_path_factory.mktemp("console"), story=credit_story(datetime.now(UTC))) as running:
        yield running


@pytest.fixture(autouse=True)
def tracking(console: RunningConsole) -> FakeTracking:
    fake = FakeTracking()
    console.flock.tracking = fake
    console.flock.away = set()
    return fake


def visit(page: "Page", path: str) -> None:
    page.goto(path)
    page.wait_for_function("window.did_handshake")


def expect_text(locator: "Locator", pattern: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_text(re.compile(pattern, re.DOTALL))


def rows(page: "Page") -> "Locator":
    return page.locator("tbody tr")


def expect_rows(page: "Page", number: int) -> None:
    from playwright.sync_api import expect

    expect(rows(page)).to_have_count(number)


def query(page: "Page") -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def field(page: "Page") -> "Locator":
    return page.get_by_role("combobox", name="Find runs")


def test_experiments_are_listed_and_lead_to_their_runs(page: "Page") -> None:
    visit(page, "/experiments")
    expect_text(rows(page).first, "workflows/depths.*120.*how deep trees should be")
    expect_text(page.locator(".m-rail [aria-current]"), "Experiments")
    page.get_by_role("link", name="workflows/depths").click()
    page.wait_for_url(f"**{TABLE}")
    expect_text(page.locator("h1"), "workflows/depths")
    expect_rows(page, 50)
    expect_text(rows(page).first, "sweep 000.*running.*grace.*0.73")


def test_a_column_sorts_and_says_so_and_the_address_keeps_it(page: "Page") -> None:
    visit(page, TABLE)
    expect_rows(page, 50)
    page.locator("th").get_by_role("button", name="auc").click()
    expect_text(rows(page).first, "sweep 119|sweep 113")
    assert page.locator("th[aria-sort=descending]").count() == 1
    best = rows(page).first.inner_text()
    page.wait_for_url("**order=metrics.auc+DESC*")
    page.reload()
    page.wait_for_function("window.did_handshake")
    expect_rows(page, 50)
    assert rows(page).first.inner_text().split("\t")[1] == best.split("\t")[1]
    page.locator("th").get_by_role("button", name="auc").click()
    page.wait_for_url("**order=metrics.auc+ASC*")
    expect_text(rows(page).first, "sweep 000")


def test_words_are_completed_as_one_types_and_runs_found(page: "Page", tracking: FakeTracking) -> None:
    visit(page, TABLE)
    expect_rows(page, 50)
    field(page).press_sequentially("metrics.a")
    page.get_by_role("option", name="metrics.auc").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("option", name=">", exact=True).wait_for()
    field(page).press_sequentially("> 0.78 AND user_id = 'ada'")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url("**filter=*")
    assert query(page)["filter"] == ["metrics.auc > 0.78 AND user_id = 'ada'"]
    expect_text(rows(page).first, "ada")
    assert rows(page).count() < 50
    assert tracking.asked[-1]["filter"] == ["metrics.auc > 0.78 AND user_id = 'ada'"]


def test_a_mistake_is_shown_with_a_caret_under_its_place_and_the_table_stays(page: "Page") -> None:
    visit(page, TABLE)
    expect_rows(page, 50)
    field(page).fill("metrics.auc > 0.5 AND statu = 'FAILED'")
    page.keyboard.press("Enter")
    shown = page.locator(".m-mistake pre")
    expect_text(shown, "statu")
    line, carets = shown.inner_text().split("\n")[:2]
    assert carets.index("^") == line.index("statu")
    assert field(page).get_attribute("aria-invalid") == "true"
    expect_rows(page, 50)
    field(page).fill("status = 'FAILED'")
    page.keyboard.press("Enter")
    expect_rows(page, 40)
    assert page.locator(".m-mistake pre").count() == 0


def test_pages_are_walked_forth_and_back(page: "Page") -> None:
    visit(page, TABLE)
    expect_rows(page, 50)
    first = rows(page).first.inner_text()
    assert page.get_by_role("button", name="Previous").is_hidden()
    page.get_by_role("button", name="Next").click()
    expect_text(rows(page).first, "sweep 050")
    page.get_by_role("button", name="Next").click()
    expect_rows(page, 20)
    assert page.get_by_role("button", name="Next").is_hidden()
    page.get_by_role("button", name="Previous").click()
    expect_text(rows(page).first, "sweep 050")
    page.wait_for_url("**token=50")
    page.reload()
    page.wait_for_function("window.did_handshake")
    expect_text(rows(page).first, "sweep 050")
    page.get_by_role("button", name="First page").click()
    expect_text(rows(page).first, "sweep 000")
    assert rows(page).first.inner_text() == first


def test_columns_are_chosen_and_kept_in_the_address(page: "Page") -> None:
    visit(page, f"{TABLE}?col=run_name&col=metrics.auc")
    expect_rows(page, 50)
    assert page.locator("thead th").count() == 3
    page.get_by_text("Columns").click()
    page.get_by_label("Narrow down: Columns").fill("team")
    page.get_by_role("checkbox", name="team").check()
    page.wait_for_url("**col=tags.team*")
    expect_text(rows(page).first, "credit")
    assert query(page)["col"] == ["run_name", "metrics.auc", "tags.team"]
    page.reload()
    page.wait_for_function("window.did_handshake")
    expect_text(rows(page).first, "credit")


def test_runs_are_chosen_over_pages_to_be_compared(page: "Page") -> None:
    visit(page, TABLE)
    expect_rows(page, 50)
    page.get_by_role("checkbox", name="Compare sweep 003").check()
    assert page.get_by_role("link", name="Compare").is_hidden()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("checkbox", name="Compare sweep 051").check()
    link = page.get_by_role("link", name="Compare")
    link.wait_for()
    assert link.get_attribute("href") == "/compare?run=r-003&run=r-051"
    expect_text(page.locator(".m-picked"), "2 chosen")
    assert query(page)["run"] == ["r-003", "r-051"]
    page.get_by_role("button", name="Choose none").click()
    expect_text(page.locator(".m-picked"), "Tick runs")


def test_an_empty_experiment_teaches_and_an_unknown_one_says_so(page: "Page") -> None:
    visit(page, "/experiments/0")
    expect_text(page.locator(".m-empty"), "No run yet.*MLFLOW_TRACKING_URI=http")
    visit(page, "/experiments/99")
    expect_text(page.locator(".m-notice"), "No Experiment with id=99 exists")


def test_an_id_that_the_console_has_not_heard_of_may_be_a_run_s(page: "Page") -> None:
    visit(page, "/find?q=r-005")
    assert urlparse(page.url).path == "/runs/r-005"
    visit(page, "/find?q=nobody")
    expect_text(page.locator("h1"), "Nothing begins with “nobody”")


def test_a_search_that_finds_nothing_does_not_teach_how_to_log(page: "Page") -> None:
    from playwright.sync_api import expect

    visit(page, TABLE)
    expect_rows(page, 50)
    nothing_like_that, nothing_yet = page.get_by_text("No run is like that."), page.get_by_text("No run yet.")
    field(page).fill("metrics.auc > 2")
    field(page).press("Enter")
    expect_rows(page, 0)
    expect(nothing_like_that).to_be_visible()
    expect(nothing_yet).to_be_hidden()
    visit(page, "/experiments/0")
    expect(nothing_yet).to_be_visible()
    expect(nothing_like_that).to_be_hidden()


def test_what_was_known_stays_while_tracking_is_away(page: "Page", console: RunningConsole) -> None:
    visit(page, TABLE)
    expect_rows(page, 50)
    console.flock.away = {"tracking"}
    page.get_by_role("button", name="Next").click()
    expect_text(page.locator(".m-notice"), "What is shown may be old: tracking does not answer")
    expect_rows(page, 50)
