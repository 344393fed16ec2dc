"""The pages of one deployment in a real browser: versions, canary, charts, roll back, try, look up; and states."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlparse

import pytest
from console_deployment import fraud_story, judge_step, prediction, what_the_deployer_says, window
from console_process import RunningConsole, running_console

from murmur_access import Role, TokenFile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PAGE = "/deployments/fraud"
INFER = "/v2/models/fraud/infer"
LOOKED_UP = "/monitor/v1/deployments/fraud/predictions/"
PAGES = (PAGE, f"{PAGE}/try", f"{PAGE}/prediction?id=q-known", f"{PAGE}/prediction", "/deployments")
Posts = list[tuple[str, dict[str, Any], dict[str, str]]]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with running_console(tmp_path_factory.mktemp("console"), story=fraud_story(datetime.now(UTC))) as running:
        running.flock.away = set()
        yield running


@pytest.fixture(autouse=True)
def flock(console: RunningConsole) -> Iterator[None]:
    """The deployer tells of a canary at its second step, the monitor knows one request."""
    console.flock.posts.clear()
    console.flock.away = set()
    console.flock.answer = (200, {})
    console.flock.told = what_the_deployer_says(datetime.now(UTC)) | {
        f"{LOOKED_UP}q-known": (200, prediction("q-known")),
        INFER: (200, answered(0.8125)),
    }
    yield
    console.flock.away = set()


def answered(output: float, version: str = "2") -> dict[str, Any]:
    outputs = [{"name": "probability", "shape": [1], "datatype": "FP64", "data": [output]}]
    return {"model_name": "fraud", "model_version": version, "id": "told-id", "outputs": outputs}


def visit(page: "Page", path: str) -> None:
    page.goto(path)
    page.wait_for_function("window.did_handshake")


def expect_text(locator: "Locator", pattern: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_text(re.compile(pattern, re.DOTALL))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def row(page: "Page", caption: str, start: str) -> "Locator":
    table = page.locator("table").filter(has=page.locator("caption", has_text=caption))
    return table.locator("tbody tr").filter(has_text=start)


def test_the_list_leads_to_the_page_of_a_deployment(page: "Page") -> None:
    visit(page, "/deployments")
    expect_text(page.locator("tbody tr").filter(has_text="fraud").first, "fraud.*v2.*v4 gets 25 %")
    page.get_by_role("link", name="fraud", exact=True).first.click()
    page.wait_for_url(f"**{PAGE}")
    expect_text(page.locator(".m-head p"), "v2 serves · v4 is a canary at 25 %")


def test_versions_stand_side_by_side_with_what_they_answer_now(page: "Page") -> None:
    visit(page, PAGE)
    expect_text(row(page, "Versions of fraud", "v2"), "v2.*serves.*231.*0.*1.21.*4.36.*r-fraud-2.*Report")
    expect_text(row(page, "Versions of fraud", "v4"), "v4.*canary at 25 %.*41.2.*0.4")
    expect_text(row(page, "Versions of fraud", "v1"), "v1.*served before")
    assert (
        row(page, "Versions of fraud", "v2").get_by_role("link", name="Report").get_attribute("href")
        == "/reports/fraud/2"
    )


def test_a_canary_is_followed_step_by_step_with_each_judgement(page: "Page", console: RunningConsole) -> None:
    visit(page, PAGE)
    steps = page.locator(".m-steps li")
    expect_text(steps.nth(0), "5 %.*passed")
    expect_text(page.locator(".m-steps [aria-current=step]"), "25 %.*now")
    expect_text(steps.nth(2), "50 %.*to come")
    expect_text(
        page.locator(".m-waits"), "200 requests of both versions and 20.0 s.*about 490 answered by the canary.*10 min"
    )
    judged = page.locator(".m-judgement")
    expect_text(judged.locator("summary"), "Step 1 of 3 at 5 %: no worse so far")
    expect_text(judged.locator("tbody tr").first, "errors.*0.04 %.*0.05 %.*0.2.*5.99.*no worse")
    page.get_by_text("Earlier canaries", exact=True).click()
    expect_text(row(page, "Earlier canaries", "v3"), "v3.*0 of 3.*rolled back by deployer: errors: 8.10%")
    expect_text(row(page, "Earlier canaries", "v2"), "v2.*3 of 3.*passed: v2 serves alone")


def test_charts_are_read_by_keyboard_and_have_a_table_behind_them(page: "Page") -> None:
    visit(page, PAGE)
    chart = page.locator(".m-chart-box").filter(has_text="p99 latency, ms")
    expect_text(chart.locator(".m-key"), "v1.*v2.*v4")
    plot = chart.locator(".m-plot")
    plot.focus()
    page.keyboard.press("End")
    expect_text(chart.locator(".m-read"), r"\d\d:\d\d:\d\d: v2 4.5, v4 4.1")
    page.keyboard.press("ArrowLeft")
    expect_text(chart.locator(".m-read"), r"v2 6.4$")
    chart.get_by_text("Table").click()
    expect_text(chart.locator("tbody tr").first, "v4.*4.1")
    quality = page.locator(".m-chart-box").filter(has_text="Quality: average precision")
    assert quality.locator(".m-spread").count() == 20
    assert page.locator(".m-event-drift").count() == 6, "each chart has the line of the drift"
    happened = page.locator("table").filter(has=page.locator("caption", has_text="numbered lines"))
    expect_text(happened.locator("tbody tr").first, r"\d+.*v4 step 1 passed.*v4 has passed step 1 of 3")
    expect_text(happened, "v2 drifted in amount.*v2 serves in the place of v1.*v1 serves")


def test_how_much_of_the_past_is_shown_stands_in_the_address(page: "Page") -> None:
    visit(page, f"{PAGE}?span=15m")
    happened = page.locator("table").filter(has=page.locator("caption", has_text="numbered lines"))
    expect_text(happened, "v4 has passed")
    assert "v1 serves" not in happened.inner_text()
    page.locator(".m-spans").get_by_role("link", name="all").click()
    page.wait_for_url("**span=all")
    expect_text(happened, "v1 serves")
    assert page.locator(".m-spans [aria-current]").inner_text() == "all"


def test_replicas_and_why_their_number_changed_and_batches(page: "Page") -> None:
    visit(page, PAGE)
    expect_text(row(page, "Replicas of fraud now", "fraud-v2-3"), "v2.*serving.*18180, 18181.*231.*4.36.*96,000")
    expect_text(row(page, "Replicas of fraud now", "fraud-v2-9"), "starting.*not proven")
    expect_text(row(page, "Changes of the number", "2 → 1"), "idle.*one fewer would have sufficed")
    expect_text(row(page, "Changes of the number", "1 → 2"), "v1, rate.*1,240/s a replica, over 800.*1,240.*8.75")
    expect_text(row(page, "Files of rows", "b-running"), "running.*40,000 of 100,000.*40%.*6,100 rows/s.*olga")
    expect_text(row(page, "Files of rows", "b-failed"), "failed.*columns differ: the file lacks 'amount'")
    expect_text(row(page, "Files of rows", "b-done"), "done.*3 rows refused.*250,000.*41.5 s")


def test_live_numbers_move_neither_what_is_typed_nor_the_scroll(page: "Page", console: RunningConsole) -> None:
    visit(page, PAGE)
    page.get_by_text("Roll back …").click()
    form = page.locator("form.m-decision").filter(has_text="Roll back")
    form.get_by_label("Reason").fill("half a thou")
    scroll = page.evaluate("(document.querySelector('.m-charts').scrollIntoView(), window.scrollY)")
    told = what_the_deployer_says(datetime.now(UTC))
    told["/deployer/v1/deployments/fraud/traffic"][1]["versions"][0]["rate"] = 777.0
    console.flock.told |= told
    expect_text(row(page, "Versions of fraud", "v2"), "777")
    before = len(console.story.told)
    window(console.story, 2, rate=199.0)
    console.tell_more(before)
    page.wait_for_timeout(500)  # what would move does so within two looks
    assert page.evaluate("window.scrollY") == scroll
    assert form.get_by_label("Reason").input_value() == "half a thou"
    assert page.evaluate("document.activeElement.name") == "reason"


def test_a_roll_back_needs_a_reason_and_says_what_it_does(page: "Page", console: RunningConsole) -> None:
    visit(page, PAGE)
    page.get_by_text("Roll back …").click()
    expect_text(page.locator(".m-disclosure"), "v4 gets no more requests; v2 answers all of them")
    form = page.locator("form.m-decision").filter(has_text="Roll back")
    form.locator("input[name=by]").fill("ada")
    form.get_by_role("button", name="Roll back").click()
    expect_text(form.get_by_role("alert"), "Roll back needs a reason")
    assert console.flock.posts == []
    console.flock.answer = (409, {"title": "RollbackNotPossible", "detail": "nothing is known that served before"})
    form.get_by_label("Reason").fill("false alarms")
    form.get_by_role("button", name="Roll back").click()
    expect_text(form.get_by_role("alert"), "Not rolled back: nothing is known that served before")
    console.flock.answer = (202, {})
    form.get_by_role("button", name="Roll back").click()
    expect_text(page.locator(".m-notice").filter(has_text="deployer"), "The deployer rolls it back")
    path, body, headers = console.flock.posts[-1]
    assert (path, body) == (
        "/deployer/v1/deployments/fraud/rollback",
        {"version": 4, "by": "ada", "reason": "false alarms"},
    )
    assert headers["Idempotency-Key"]


def test_while_the_deployer_is_away_its_last_answers_stand_with_their_age(
    page: "Page", console: RunningConsole
) -> None:
    visit(page, PAGE)
    expect_text(row(page, "Versions of fraud", "v2"), "231")
    console.flock.away = {"deployer"}
    expect_text(page.locator(".m-notice").first, r"What it answers right now is .* old: deployer does not answer")
    expect_text(row(page, "Versions of fraud", "v2"), "231")
    console.flock.away = set()
    page.wait_for_function("document.querySelector('.m-notice').textContent === ''")


def test_a_prediction_is_tried_from_the_models_schema(page: "Page", console: RunningConsole) -> None:
    visit(page, f"{PAGE}/try")
    assert page.get_by_label("terminal_kind").evaluate("one => one.tagName") == "SELECT"
    assert page.get_by_label("amount").input_value() == "0"
    page.get_by_label("amount").fill("4120.5")
    page.get_by_label("terminal_kind").select_option("2")
    page.get_by_label("hour").fill("")
    page.get_by_role("button", name="Predict").click()
    answer = page.locator(".m-result tbody tr")
    expect_text(answer, "probability.*0.8125.*flagged: the threshold is 0.31.*v2.*ms.*told-id.*Look it up")
    path, body, _ = console.flock.posts[0]
    assert path == INFER
    assert [(one["name"], one["data"]) for one in body["inputs"]] == [
        ("amount", [4120.5]),
        ("hour", [None]),
        ("terminal_kind", [2]),
    ]
    expect_text(page.locator(".m-result pre"), "curl -s http.*/v2/models/fraud/infer.*4120.5")
    assert parse_qs(urlparse(answer.get_by_role("link").get_attribute("href") or "").query) == {"id": ["told-id"]}


def test_a_refusal_stands_beside_the_field_that_it_names(page: "Page", console: RunningConsole) -> None:
    visit(page, f"{PAGE}/try")
    page.get_by_label("amount").fill("twelve")
    page.get_by_role("button", name="Predict").click()
    expect_text(page.locator(".m-field").filter(has_text="amount"), "'twelve' is no number")
    assert console.flock.posts == []
    page.wait_for_function("document.activeElement.name === 'amount'")
    console.flock.told[INFER] = (400, {"error": "input 'hour' is 3.5 in row 0: it takes whole numbers (integer)"})
    page.get_by_label("amount").fill("12")
    page.get_by_label("hour").fill("3.5")
    page.get_by_role("button", name="Predict").click()
    expect_text(page.locator(".m-field").filter(has_text="hour"), "it takes whole numbers")
    assert page.get_by_label("hour").get_attribute("aria-invalid") == "true"
    assert page.get_by_label("amount").input_value() == "12"
    expect_text(page.locator(".m-row > [role=alert]"), "Refused: see hour")


def test_a_prediction_is_looked_up_and_its_row_tried_again(page: "Page") -> None:
    visit(page, f"{PAGE}/prediction?id=q-known")
    expect_text(
        page.locator("table").first.locator("tbody tr"),
        "v2.*0.8125.*1.*known 2026-11-04.*stable.*2026-11-02 12:00:00 to 12:01:00 UTC.*1.28 ms.*fraud-v2-3",
    )
    expect_text(page.locator(".m-inputs"), "amount.*4120.5.*hour.*3.*terminal_kind.*missing")
    expect_text(page.locator(".m-pairs"), "prediction.logged/2 at offset 1207, row 41")
    page.get_by_role("link", name="Try this row again").click()
    page.wait_for_url("**/try?like=q-known")
    page.get_by_label("amount").wait_for()
    assert page.get_by_label("amount").input_value() == "4120.5"
    assert page.get_by_label("terminal_kind").input_value() == ""


def test_a_row_that_is_gone_and_an_id_that_is_not_known_say_how_long_things_are_kept(
    page: "Page", console: RunningConsole
) -> None:
    gone = prediction("q-old", row=None, row_missing="its record is gone: prediction.logged keeps rows for 7 days")
    detail = "no answered prediction 'q-x' of 'fraud' is known: it is kept for 7 days"
    console.flock.told[f"{LOOKED_UP}q-old"] = (200, gone)
    console.flock.told[f"{LOOKED_UP}q-x"] = (404, {"title": "NoSuchPrediction", "status": 404, "detail": detail})
    visit(page, f"{PAGE}/prediction?id=q-old")
    expect_text(page.locator("p.m-caution"), "keeps rows for 7 days")
    page.get_by_label("Request id").fill("q-x")
    page.keyboard.press("Enter")
    page.wait_for_url("**id=q-x")
    expect_text(page.locator(".m-notice"), "Not found: no answered prediction 'q-x'.*kept for 7 days")


def test_the_search_field_finds_a_request_by_its_id(page: "Page") -> None:
    visit(page, "/find?q=q-known")
    page.wait_for_url("**/deployments/fraud/prediction?id=q-known")
    visit(page, "/find?q=q-unknown")
    expect_text(page.locator("h1"), "Nothing begins with “q-unknown”")


def test_a_deployment_that_nobody_has_told_of_teaches_the_command(page: "Page") -> None:
    for path in ("/deployments/churn", "/deployments/churn/try"):
        visit(page, path)
        expect_text(page.locator(".m-empty:visible pre").first, "murmur approve churn 1")


def test_who_may_not_roll_back_is_told_which_role_may(
    browser: "Browser", tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("asking")
    tokens = TokenFile(home / "tokens.json", now=lambda: datetime.now(UTC))
    token = tokens.issue("vera", [Role.VIEWER]).token
    story = fraud_story(datetime.now(UTC))
    asking = {"MURMUR_AUTH": "tokens", "MURMUR_TOKENS": str(home / "tokens.json")}
    with running_console(home, story=story, **asking) as console:
        console.flock.told = what_the_deployer_says(datetime.now(UTC)) | {INFER: (200, answered(0.1))}
        context = browser.new_context(base_url=console.address)
        page = context.new_page()
        page.goto(PAGE)
        page.get_by_label("Your token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_function("window.did_handshake")
        page.get_by_text("Roll back …").click()
        form = page.locator("form.m-decision").filter(has_text="Roll back")
        expect_text(form.locator(".m-caution"), "needs the role approver; vera has viewer")
        assert form.get_by_role("button", name="Roll back").is_disabled()
        visit(page, f"{PAGE}/try")
        page.get_by_role("button", name="Predict").click()
        expect_text(page.locator(".m-result pre"), r'"Authorization: Bearer \$MURMUR_TOKEN"')
        _, _, headers = console.flock.posts[-1]
        assert headers["Authorization"] == f"Bearer {token}", "the model is asked as the person whose page it is"
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_in_light_and_dark(browser: "Browser", console: RunningConsole, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        base_url=console.address,
        color_scheme=scheme,  # type: ignore[arg-type]  # one of the two that it takes
    )
    page = context.new_page()
    for path in PAGES:
        visit(page, path)
        page.locator("tbody tr:visible, form:visible, .m-empty:visible").first.wait_for()
        page.wait_for_timeout(300)  # charts take their width once they are seen
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, f"{path} is wider than a phone"
    context.close()


def test_when_the_canary_has_ended_the_page_says_how(page: "Page", console: RunningConsole) -> None:
    """The last test here: the story has moved on behind it."""
    from console_deployment import roll_back

    visit(page, PAGE)
    told = len(console.story.told)
    judge_step(console.story, 4, 2, 2, "roll_back")
    roll_back(console.story, 4, 2, "deployer", "errors: 8.10% of the requests fail")
    console.tell_more(told)
    expect_text(
        page.locator(".m-canary"), "Canary v4, compared with v2.*rolled back by deployer: errors.*25 %.*ended here"
    )
    expect_text(
        page.locator(".m-judgement").first, "Step 2 of 3 at 25 %: worse: rolled back.*worse.*8.10% of the requests"
    )
    expect_text(page.locator(".m-head p"), "^v2 serves$")
