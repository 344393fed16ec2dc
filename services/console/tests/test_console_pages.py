"""The console in a real browser, over a told story and a small server that stands for the flock."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

import pytest
from console_events import freeze
from console_flock import LETTER
from console_process import RunningConsole
from console_story import approve, measure

from murmur_events import Envelope

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PAGES = (
    "/",
    "/workflows",
    "/workflows/credit",
    "/models",
    "/deployments",
    "/deployments/credit",
    "/dead-letters?letter=dl-1",
    "/audit?entry=7",
    "/find?q=r-",
)


def visit(page: "Page", path: str) -> None:
    """Open a page and wait until it is connected: before that it hears no click and no key."""
    page.goto(path)
    connected(page)


def connected(page: "Page") -> None:
    page.wait_for_function("window.did_handshake")


def newest(console: RunningConsole, topic: str) -> Envelope:
    return next(envelope for envelope in reversed(console.story.told) if envelope.topic == topic)


def mark(page: "Page", envelope: Envelope) -> "Locator":
    return page.locator(f'[data-mark="{envelope.id}"]')


@pytest.fixture
def chain_page(page: "Page", console: RunningConsole) -> "Page":
    """The chain that waits for a review, by its address."""
    visit(page, f"/workflows/credit?chain={newest(console, 'drift.detected').correlation_id}")
    mark(page, newest(console, "review.requested")).wait_for()
    return page


@pytest.fixture
def posts(console: RunningConsole) -> Iterator[list[tuple[str, dict[str, str], dict[str, str]]]]:
    """What this test has had posted."""
    console.flock.posts.clear()
    console.flock.answer = (200, {})
    yield console.flock.posts
    console.flock.answer = (200, {})


def expect_text(locator: "Locator", pattern: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_text(re.compile(pattern, re.DOTALL))


def test_the_flock_says_who_is_well_and_why_others_are_not(page: "Page") -> None:
    visit(page, "/")
    rows = page.locator("table").first.locator("tbody tr")
    expect_text(rows.filter(has_text="registry"), "ready.*3")
    expect_text(rows.filter(has_text="deployer"), "not ready.*broker: envoy does not answer")
    expect_text(rows.filter(has_text="monitor"), "away.*does not answer")
    rows.filter(has_text="tracking").get_by_role("link", name="1").click()
    page.wait_for_url("**/dead-letters?service=tracking")
    expect_text(page.locator("h1"), "Dead letters of tracking")


def test_the_ledger_is_searched_and_an_entry_opened_and_the_address_says_so(page: "Page") -> None:
    visit(page, "/audit")
    health, entries = page.locator("table").first, page.locator("table").nth(1)
    expect_text(health, "Head.*entry 8.*Last checkpoint.*entry 7.*1 faults, the first at entry 5: changed run.logged")
    expect_text(entries.locator("tbody tr").first, "8.*prediction.logged: digest of 240")
    page.get_by_label("Topic").fill("model.promoted")
    page.keyboard.press("Enter")
    page.wait_for_url("**topic=model.promoted**")
    page.wait_for_function("window.did_handshake")
    entries.get_by_role("button", name="model.promoted").click()
    detail = page.locator(".m-detail")
    expect_text(detail, "Entry 7: model.promoted.*previous hash.*" + "ef" * 32 + ".*model.promoted/1 at offset 4")
    expect_text(detail.locator("pre"), '"alias": "production"')
    assert parse_qs(urlparse(page.url).query) == {"topic": ["model.promoted"], "entry": ["7"]}
    page.reload()
    expect_text(page.locator(".m-detail h2"), "Entry 7: model.promoted")


def test_a_workflow_is_listed_with_what_serves_and_what_waits(page: "Page") -> None:
    visit(page, "/workflows")
    expect_text(page.locator("tbody tr"), r"credit.*v1.*AUC 0.771.*v3.*AUC 0.789.*drift.*waits for a review")
    page.get_by_role("link", name="credit").click()
    page.wait_for_url("**/workflows/credit")


def test_a_chosen_mark_opens_its_event_and_stands_in_the_address(chain_page: "Page", console: RunningConsole) -> None:
    verdict = newest(console, "validation.completed")
    mark(chain_page, verdict).click()
    detail = chain_page.locator(".m-side .m-detail")
    expect_text(detail.locator("h2"), "validation.completed")
    expect_text(detail, "Cause.*model.registered.*Effects.*model.promoted.*review.requested")
    detail.get_by_text("Payload").click()
    expect_text(detail.locator("pre"), '"verdict": "better"')
    detail.get_by_text("Headers").click()
    expect_text(detail, f"ce_correlationid.*{verdict.correlation_id}")
    address = parse_qs(urlparse(chain_page.url).query)
    assert address == {"chain": [verdict.correlation_id], "event": [verdict.id]}
    chain_page.reload()
    connected(chain_page)
    expect_text(chain_page.locator(".m-side .m-detail h2"), "validation.completed")
    detail.get_by_role("button", name=re.compile("review.requested")).click()
    expect_text(detail.locator("h2"), "review.requested")


def test_the_timeline_is_walked_by_keyboard_along_time_and_causes(chain_page: "Page", console: RunningConsole) -> None:
    def focused() -> str:
        label: str = chain_page.evaluate("document.activeElement.getAttribute('aria-label')")
        return label

    chain_page.locator(".m-zoom button").last.focus()
    chain_page.keyboard.press("Tab")
    assert "window.measured" in focused()
    assert "begins the chain" in focused()
    chain_page.keyboard.press("End")
    chain_page.wait_for_function("document.activeElement.getAttribute('aria-label').includes('review.requested')")
    chain_page.keyboard.press("ArrowUp")
    chain_page.wait_for_function("document.activeElement.getAttribute('aria-label').includes('validation.completed')")
    assert "caused by model.registered" in focused()
    chain_page.keyboard.press("Enter")
    expect_text(chain_page.locator(".m-side .m-detail h2"), "validation.completed")
    assert "validation.completed" in focused(), "opening an event leaves the focus where it is"


def test_zoom_stands_in_the_address(chain_page: "Page") -> None:
    width = "parseFloat(document.querySelector('.m-timeline svg').getAttribute('width'))"
    before = chain_page.evaluate(width)
    chain_page.get_by_role("button", name="Show a shorter time").click()
    chain_page.get_by_role("button", name="Show a shorter time").click()
    chain_page.wait_for_url("**zoom=4*")
    chain_page.wait_for_function(f"{width} > {before} + 50")


def test_a_new_event_appears_by_itself_and_moves_neither_focus_nor_what_is_typed(
    page: "Page", console: RunningConsole
) -> None:
    from playwright.sync_api import expect

    drift = newest(console, "drift.detected")
    visit(page, f"/workflows/credit?chain={drift.correlation_id}")
    mark(page, drift).wait_for()
    place = mark(page, drift).locator(".m-shape").get_attribute("d")
    scroll = page.evaluate("document.querySelector('.m-scroll').scrollLeft = 40")
    page.locator("form.m-review").get_by_label("Reason").fill("half a thou")
    told = len(console.story.told)
    measure(console.story, 1, "stable", cause=newest(console, "model.deployed"))
    console.tell_more(told)
    mark(page, console.story.told[-1]).wait_for()
    assert page.evaluate("document.activeElement.name") == "reason"
    expect(page.locator("form.m-review").get_by_label("Reason")).to_have_value("half a thou")
    assert mark(page, drift).locator(".m-shape").get_attribute("d") == place
    assert page.evaluate("document.querySelector('.m-scroll').scrollLeft") == scroll
    assert page.locator("tbody tr").filter(has_text="stable").count() == 1


def test_refusing_without_a_reason_is_blocked(
    chain_page: "Page", posts: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    chain_page.locator("form.m-review").get_by_label("Your name").fill("Ada Park")
    chain_page.get_by_role("button", name="Refuse").click()
    expect_text(chain_page.get_by_role("alert"), "To refuse, give a reason.")
    chain_page.locator("form.m-review").get_by_label("Reason").fill("   ")
    chain_page.get_by_role("button", name="Refuse").click()
    expect_text(chain_page.get_by_role("alert"), "To refuse, give a reason.")
    assert posts == []


def test_a_refusal_by_the_registry_is_shown_and_the_words_are_kept(
    chain_page: "Page", console: RunningConsole, posts: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    from playwright.sync_api import expect

    console.flock.answer = (409, {"title": "ReviewNotOpen", "detail": "credit v3 is not waiting for a review"})
    chain_page.locator("form.m-review").get_by_label("Your name").fill("Ada Park")
    chain_page.locator("form.m-review").get_by_label("Reason").fill("the slices got worse")
    chain_page.get_by_role("button", name="Refuse").click()
    expect_text(chain_page.get_by_role("alert"), "Not refused: credit v3 is not waiting for a review")
    expect(chain_page.locator("form.m-review").get_by_label("Reason")).to_have_value("the slices got worse")
    assert [body["decision"] for _, body, _ in posts] == ["refused"]


def test_approving_posts_name_and_reason_and_the_form_goes_when_the_decision_is_heard(
    chain_page: "Page", console: RunningConsole, posts: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    expect_text(chain_page.locator(".m-evidence tbody tr").first, r"auc.*0.789.*0.771.*\+0.018")
    report = chain_page.get_by_role("link", name="Read the report")
    assert report.get_attribute("href") == "/reports/credit/3"
    chain_page.locator("form.m-review").get_by_label("Your name").fill("Ada Park")
    chain_page.locator("form.m-review").get_by_label("Reason").fill("better where it matters")
    chain_page.get_by_role("button", name="Approve").click()
    chain_page.locator("form.m-review button:disabled").first.wait_for()
    while not posts:
        chain_page.wait_for_timeout(20)  # the button is off before the call is made; pytest's timeout ends this
    path, body, headers = posts[0]
    assert path == "/registry/v1/models/credit/versions/3/review"
    assert body == {"decision": "approved", "by": "Ada Park", "reason": "better where it matters"}
    assert headers["Idempotency-Key"]
    told = len(console.story.told)
    console.story.now += timedelta(seconds=1)
    console.story.last = newest(console, "review.requested")
    approve(console.story, 3, 1, after=0.1)
    console.tell_more(told)
    chain_page.locator("form.m-review").wait_for(state="detached")
    mark(chain_page, newest(console, "model.deployed")).wait_for()
    expect_text(chain_page.locator(".m-head p"), "production v3")


def open_letter(page: "Page", console: RunningConsole) -> "Locator":
    console.flock.letters = {"tracking": [LETTER]}
    visit(page, "/dead-letters")
    page.get_by_role("button", name="run.completed").click()
    detail = page.locator("section.m-detail")
    expect_text(detail.locator("table"), "metrics.*nothing.*Field required")
    return detail


def test_a_dead_letter_is_opened_and_redriven(
    page: "Page", console: RunningConsole, posts: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    detail = open_letter(page, console)
    expect_text(detail, "metrics: Field required.*InvalidPayload.*at offset 17.*ce_source.*trainer")
    assert page.url.endswith("?letter=dl-1")
    detail.locator("input[name=by]").fill("olga")
    detail.get_by_role("button", name="Redrive").click()
    expect_text(page.locator(".m-notice"), "tracking handles it again")
    expect_text(page.locator(".m-empty"), "No dead letters")
    assert [(path, body["by"]) for path, body, _ in posts] == [("/tracking/v1/dead-letters/dl-1/redrive", "olga")]


def test_a_payload_is_corrected_and_a_letter_let_go_of_with_a_reason_only(
    page: "Page", console: RunningConsole, posts: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    detail = open_letter(page, console)
    detail.locator("input[name=by]").fill("olga")
    detail.get_by_role("button", name="Discard").click()
    expect_text(detail.locator("[role=alert]"), "Discard needs a reason")
    assert posts == []
    detail.locator("textarea[name=content]").fill('{"run_id": "r-1", "metrics": {}}')
    detail.locator("textarea[name=reason]").fill("the client left it out")
    detail.get_by_role("button", name="Save the payload").click()
    expect_text(page.locator(".m-notice"), "fits its schema now")
    ((path, body, _),) = posts
    assert path == "/tracking/v1/dead-letters/dl-1/payload"
    assert body == {
        "value": {"run_id": "r-1", "metrics": {}},
        "by": "olga",
        "reason": "the client left it out",
    }
    detail.get_by_role("button", name="Discard").click()
    expect_text(page.locator(".m-empty"), "No dead letters")
    assert posts[1][0] == "/tracking/v1/dead-letters/dl-1/discard"


def test_a_freeze_is_told_in_the_bar_of_every_page_and_changed_there(
    page: "Page", console: RunningConsole, posts: list[tuple[str, dict[str, str], dict[str, str]]]
) -> None:
    visit(page, "/workflows/credit")
    bar = page.locator(".m-freezes")
    expect_text(bar.locator("summary"), "nothing frozen")
    bar.locator("summary").click()
    bar.locator("select[name=what]").select_option("promotion")
    bar.locator("select[name=workflow]").select_option("credit")
    bar.locator("input[name=by]").fill("olga")
    bar.locator("textarea[name=reason]").fill("quarter end")
    bar.get_by_role("button", name="Freeze", exact=True).click()
    wait_for(lambda: posts)
    assert [(path, body) for path, body, _ in posts] == [
        ("/trainer/v1/freezes/promotion/credit", {"by": "olga", "reason": "quarter end"})
    ]
    told = len(console.story.told)
    freeze(console.story)
    console.tell_more(told)
    expect_text(bar.locator("summary"), "frozen: promotion of credit")
    expect_text(bar.locator("li"), "promotion of credit: frozen by olga.*quarter end")
    expect_text(page.locator(".m-head p"), "promotion frozen by olga: quarter end")
    visit(page, "/workflows")
    expect_text(page.locator("tbody tr").first, "frozen: promotion.*by olga")
    bar.locator("summary").click()
    bar.locator("textarea[name=reason]").fill("over")
    bar.get_by_role("button", name="Unfreeze").click()
    wait_for(lambda: len(posts) == 2)
    assert posts[1][0] == "/trainer/v1/freezes/retraining?by=olga&reason=over"
    told = len(console.story.told)
    freeze(console.story, end=True)
    console.tell_more(told)
    expect_text(bar.locator("summary"), "nothing frozen")


def wait_for(condition: Callable[[], object]) -> None:
    """The stub answers in another thread."""
    deadline = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def search_by_slash(page: "Page", words: str) -> None:
    """As a person does it: again, should the page not have listened yet."""
    field = page.locator("#search")
    for _ in range(10):
        page.keyboard.press("/")
        page.keyboard.type(words, delay=20)
        if field.input_value() == words:
            return
        field.fill("")
        page.locator("h1").click()
    raise AssertionError(f"the slash key never led to the search field: it holds {field.input_value()!r}")


def test_the_slash_key_leads_to_any_id(page: "Page", console: RunningConsole) -> None:
    visit(page, "/models")
    page.locator("tbody tr").first.wait_for()
    search_by_slash(page, "r-1c08")
    page.locator("#search").press("Enter")
    page.wait_for_url("**/workflows/credit?chain=*")
    expect_text(page.locator(".m-side .m-detail"), "r-1c08be44")
    visit(page, "/find?q=nothing-like-it")
    expect_text(page.locator("h1"), "Nothing begins with “nothing-like-it”")


def test_an_empty_workflow_teaches_the_command(page: "Page") -> None:
    visit(page, "/workflows/churn")
    expect_text(page.locator(".m-empty pre").first, "murmur trigger churn")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_in_light_and_dark(browser: "Browser", console: RunningConsole, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        base_url=console.address,
        color_scheme=scheme,  # type: ignore[arg-type]  # one of the two that it takes
    )
    page = context.new_page()
    grounds = set()
    for path in PAGES:
        visit(page, path)
        page.locator("h1").wait_for()
        page.locator("tbody tr:visible, .m-empty:visible").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, f"{path} is wider than a phone"
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    context.close()
    assert grounds == {"rgb(245, 246, 247)" if scheme == "light" else "rgb(17, 19, 22)"}
