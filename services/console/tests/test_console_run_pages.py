"""The page of a run and runs side by side, in a real browser: live curves, artifacts, repeating, sharing, comparing."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from console_process import RunningConsole, running_console
from console_research import FILES, FakeTracking, detail
from console_story import credit_story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PAGES = ("/experiments", "/experiments/7", "/runs/r-005?artifact=scores.csv", "/compare?run=r-001&run=r-002&run=r-005")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with running_console(tmp_path_factory.mktemp("console"), story=credit_story(datetime.now(UTC))) as running:
        yield running


@pytest.fixture(autouse=True)
def tracking(console: RunningConsole) -> FakeTracking:
    fake = FakeTracking()
    console.flock.tracking = fake
    console.flock.away = set()
    console.flock.posts.clear()
    console.flock.asked.clear()
    console.flock.told = {}
    return fake


def visit(page: "Page", path: str) -> None:
    page.goto(path)
    page.wait_for_function("window.did_handshake")


def expect_text(locator: "Locator", pattern: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_text(re.compile(pattern, re.DOTALL))


def section(page: "Page", name: str) -> "Locator":
    return page.get_by_role("region", name=name, exact=True)


def test_a_run_shows_what_it_was_told_and_what_came_of_it(page: "Page") -> None:
    visit(page, "/runs/r-005")
    expect_text(page.locator("h1"), "sweep 005")
    expect_text(page.locator(".m-head p"), "failed · by ada · began .* · took 42.0 s")
    expect_text(page.locator("p.m-trouble").first, "code raised: no rows")
    expect_text(section(page, "Parameters"), "max_depth.*8")
    expect_text(section(page, "Code and environment"), "c0c0.*e0e0.*17")
    expect_text(section(page, "Data"), "loans.*d1f2a3")
    expect_text(section(page, "Metrics").locator("tbody"), "auc.*0.7805")
    page.locator(".m-plot").first.focus()
    page.keyboard.press("End")
    expect_text(page.locator(".m-read").first, "step 19: auc 0.8")
    assert page.get_by_role("link", name="Compare with others").get_attribute("href") == "/experiments/7?run=r-005"


def test_curves_grow_while_a_run_is_under_way(page: "Page", tracking: FakeTracking) -> None:
    visit(page, "/runs/r-000")
    expect_text(page.locator(".m-head p"), "running · 40%")
    page.locator(".m-plot").first.focus()
    page.keyboard.press("End")
    expect_text(page.locator(".m-read").first, "step 19:")
    tracking.rounds = 31
    page.locator(".m-moment").filter(has_text="25").first.wait_for(state="attached")
    page.keyboard.press("End")
    expect_text(page.locator(".m-read").first, "step 30:")


def test_artifacts_are_walked_previewed_and_downloaded_but_never_opened(page: "Page") -> None:
    visit(page, "/runs/r-005")
    files = section(page, "Artifacts")
    files.get_by_role("button", name="scores.csv").click()
    expect_text(section(page, "Preview").locator("tbody"), "2005-10.*0.78.*2005-11.*0.79")
    page.wait_for_url("**artifact=scores.csv")
    files.get_by_role("button", name="summary.json").click()
    expect_text(section(page, "Preview").locator("pre"), '"round": 17')
    files.get_by_role("button", name="importance.png").click()
    page.locator(".m-preview img").wait_for()
    files.get_by_role("button", name="model/").click()
    files.get_by_role("button", name="MLmodel").click()
    expect_text(section(page, "Preview").locator("pre"), "flavors")
    files.get_by_role("button", name="Up").click()
    address = files.locator("tr").filter(has_text="page.html").get_by_role("link").get_attribute("href")
    assert address is not None
    answer = page.request.get(address)
    assert answer.body() == FILES["page.html"]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert page.request.get("/artifacts/r-005?path=gone.txt").status == 404


def test_a_run_is_shared_with_a_reason_and_the_link_is_shown(page: "Page", console: RunningConsole) -> None:
    console.flock.told = {"/tracking/v1/runs/r-005/shares": (200, {"link": "http://localhost/shared/abc"})}
    visit(page, "/runs/r-005")
    page.get_by_text("Share …").click()
    form = page.locator("form.m-decision:visible")
    form.get_by_label("Your name").fill("ada")
    form.get_by_label("Reason").fill("for the paper")
    form.get_by_role("button", name="Make a link").click()
    page.get_by_role("link", name="http://localhost/shared/abc").wait_for()
    ((path, body, headers),) = console.flock.posts
    assert path == "/tracking/v1/runs/r-005/shares"
    assert body["reason"] == "for the paper"
    assert headers["X-Murmur-Workspace"] == "default"
    assert headers["Idempotency-Key"]
    assert page.get_by_text("Reproduce …").is_hidden(), "it is no completed run of the trainer"


def test_a_completed_run_of_the_trainer_is_reproduced(page: "Page", console: RunningConsole) -> None:
    trained = {**detail(4), "status": "completed", "workflow": "credit", "run_id": "r-trained"}
    console.flock.told = {
        "/tracking/v1/runs/r-trained": (200, trained),
        "/trainer/v1/runs/r-trained/reproductions": (409, {"detail": "its environment differs: numpy 2.1"}),
    }
    known = console.flock.tracking
    assert known is not None
    console.flock.tracking = lambda path, query: None if "r-trained" in path else known(path, query)
    visit(page, "/runs/r-trained")
    page.get_by_text("Reproduce …").click()
    form = page.locator("form.m-decision:visible")
    form.get_by_label("Your name").fill("ada")
    form.get_by_role("button", name="Reproduce").click()
    expect_text(form.get_by_role("alert"), "Not done: its environment differs: numpy 2.1")
    console.flock.told["/trainer/v1/runs/r-trained/reproductions"] = (202, {"run_id": "r-again"})
    form.get_by_role("button", name="Reproduce").click()
    link = page.get_by_role("link", name="r-again")
    link.wait_for()
    assert link.get_attribute("href") == "/runs/r-again"


def test_an_unknown_run_says_so_and_a_service_away_leaves_what_was_known(page: "Page", console: RunningConsole) -> None:
    visit(page, "/runs/r-nobody")
    expect_text(page.locator(".m-notice").first, "no run 'r-nobody'")
    visit(page, "/runs/r-000")
    expect_text(page.locator("h1"), "sweep 000")
    console.flock.away = {"tracking"}
    expect_text(page.locator(".m-notice").first, "tracking does not answer.*this is what was known")
    expect_text(section(page, "Parameters"), "max_depth")


def test_runs_are_compared_with_what_differs_first(page: "Page") -> None:
    visit(page, "/compare?run=r-001&run=r-002&run=r-005")
    expect_text(section(page, "Parameters that differ").locator("tbody"), "eta.*0.2.*0.3.*0.2.*max_depth.*4.*5.*8")
    expect_text(section(page, "Metrics").locator("tbody"), "auc.*0.7401.*0.7502.*0.7805")
    expect_text(section(page, "Data, code and environment that differ").locator("tbody"), "seed")
    page.locator(".m-parallel svg path").first.wait_for(state="attached")
    curves = section(page, "Curves")
    expect_text(curves.locator(".m-key").first, "sweep 001.*sweep 002.*sweep 005")
    curves.locator(".m-plot").first.focus()
    page.keyboard.press("End")
    expect_text(curves.locator(".m-read").first, "step 19: sweep 001 0.8[0-9]+, sweep 002 0.8[0-9]+, sweep 005 0.8")
    page.get_by_text("The same in all: 2").click()
    expect_text(page.locator("details.m-behind tbody"), "objective.*binary:logistic")
    page.locator("tr").filter(has_text="sweep 002").get_by_role("link", name="Leave out").click()
    page.wait_for_url("**/compare?run=r-001&run=r-005")


def test_the_histories_of_one_chosen_metric_are_drawn_over_each_other(page: "Page", tracking: FakeTracking) -> None:
    runs = "&".join(f"run=r-{number:03d}" for number in range(1, 11))
    visit(page, f"/compare?{runs}&metric=val%2Floss")
    curves = section(page, "Curves")
    expect_text(curves.locator("figcaption"), "^val/loss by step$")
    strokes = curves.locator(".m-plot .m-stroke")
    strokes.nth(19).wait_for(state="attached")  # ten runs, each interrupted where it logged no number
    assert strokes.count() == 20
    expect_text(curves.locator(".m-key"), "sweep 001.*sweep 008.*2 more")
    of_these = [one for one in tracking.compared if len(one["run"]) == 10]  # a page before this one may still ask
    assert [one["histories"] for one in of_these if "histories" in one] == [["val/loss"]]
    curves.locator("summary").first.click()
    curves.get_by_label("auc").check()
    page.wait_for_url("**metric=*auc*")


def asked_in(console: RunningConsole, *, runs: int) -> list[str]:
    """The workspace that each comparison of so many runs has named."""
    asked = [one for one in console.flock.asked if one[0].startswith("/tracking/v1/compare?")]
    return [workspace for path, workspace in asked if path.count("run=") == runs]


def test_runs_are_compared_in_their_workspace(page: "Page", console: RunningConsole) -> None:
    visit(page, "/experiments/7?workspace=team-b&run=r-001&run=r-002")
    page.get_by_role("link", name="Compare", exact=True).click()
    page.wait_for_url("**/compare?run=r-001&run=r-002&workspace=team-b")
    section(page, "Curves").locator(".m-stroke").first.wait_for(state="attached")
    assert asked_in(console, runs=2) == ["team-b", "team-b"], "what differs, and the curves"
    leave = page.locator("tr").filter(has_text="sweep 002").get_by_role("link", name="Leave out")
    assert leave.get_attribute("href") == "/compare?run=r-001&workspace=team-b"
    visit(page, "/compare?run=r-001")
    section(page, "Curves").locator(".m-stroke").first.wait_for(state="attached")
    assert asked_in(console, runs=1) == ["", ""]


def reproduced(verdict: str) -> dict[str, Any]:
    """As the trainer's run that repeats `r-004`."""
    same = verdict == "identical"
    metric = {"name": "auc", "original": 0.78125, "reproduced": 0.7796875, "difference": -0.0015625}
    around = {"what": "environment", "name": "numpy", "original": "2.4.6", "reproduced": None}
    told = {
        **detail(4)["provenance"],
        "lock": "10" * 32,
        "interpreter": "CPython 3.11.7",
        "platform": "linux",
        "hardware": {"processor": "EPYC", "machine": "x86_64", "cores": 2, "memory": 8_000_000_000, "threads": 1},
        "source": {"commit": "ab" * 20, "dirty": True, "diff": {"uri": "file:///d", "sha256": "d1" * 32, "size": 9}},
    }
    return {
        **detail(4),
        "run_id": "r-again",
        "workflow": "credit",
        "provenance": told,
        "reproduction": {
            "of": "r-004",
            "verdict": verdict,
            "original_sha256": "aa" * 32,
            "reproduced_sha256": "aa" * 32 if same else "bb" * 32,
            "metrics": [] if same else [metric],
            "differences": [] if same else [around],
        },
    }


def given_again(console: RunningConsole, run: dict[str, Any]) -> None:
    console.flock.told = {"/tracking/v1/runs/r-again": (200, run)}
    known = console.flock.tracking
    assert known is not None
    console.flock.tracking = lambda path, query: None if path.endswith("r-again") else known(path, query)


def test_a_run_that_repeats_another_shows_the_verdict(page: "Page", console: RunningConsole) -> None:
    given_again(console, reproduced("identical"))
    visit(page, "/runs/r-again")
    verdict = section(page, "Reproduction")
    expect_text(verdict, "Identical.*to the last bit.*r-004.*aaaa.* in both")
    assert verdict.locator("table").count() == 0
    verdict.get_by_role("link", name="r-004").click()
    page.wait_for_url("**/runs/r-004")
    expect_text(page.locator("h1"), "sweep 004")
    assert section(page, "Reproduction").count() == 0, "it repeats none"


def test_a_verdict_says_which_metric_differs_by_how_much(page: "Page", console: RunningConsole) -> None:
    given_again(console, reproduced("different"))
    visit(page, "/runs/r-again")
    verdict = section(page, "Reproduction")
    expect_text(verdict, "Different.*r-004.*aaaa.* became bbbb")
    expect_text(verdict.locator("tbody").first, "auc.*0.78125.*0.7796875.*-0.00156")
    expect_text(verdict.locator("tbody").nth(1), "environment: numpy.*2.4.6.*–")


def test_a_run_says_where_its_code_came_from_and_what_it_ran_on(page: "Page", console: RunningConsole) -> None:
    given_again(console, reproduced("identical"))
    visit(page, "/runs/r-again")
    said = section(page, "Code and environment")
    expect_text(said, "commit.*abab.*uncommitted changes.*diff d1d1.*lock 1010.*CPython")
    expect_text(said.locator("dd").filter(has_text="EPYC"), "^EPYC · x86_64 · 2 cores · 8.0 GB · 1 thread$")


def test_nothing_to_compare_teaches_how_to_choose(page: "Page") -> None:
    visit(page, "/compare")
    expect_text(page.locator(".m-empty"), "Tick runs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_research_fits_a_phone(browser: "Browser", console: RunningConsole, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        base_url=console.address,
        color_scheme=scheme,  # type: ignore[arg-type]  # one of the two that it takes
    )
    page = context.new_page()
    for path in PAGES:
        visit(page, path)
        page.locator("tbody tr:visible").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, f"{path} is wider than a phone"
    context.close()
