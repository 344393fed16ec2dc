"""The timeline's layout: nothing overlaps, nothing moves when something new comes, arrows say who caused whom."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from console_events import NOON

from murmur_console.domain.axis import NARROWEST, USUAL_ZOOM, ZOOMS, text_width
from murmur_console.domain.chains import Chain
from murmur_console.domain.layout import draw
from murmur_console.domain.scene import Scene
from murmur_console.domain.words import duration
from murmur_console.memory import Memory


@pytest.fixture
def whole(memory: Memory) -> Chain:
    """From the tick to six stable windows."""
    return memory.story.chains("credit")[-2]


def drawn(chain: Chain, *, now: datetime = NOON, zoom: int = USUAL_ZOOM) -> Scene:
    return draw(chain, now=now, zoom=zoom)


@pytest.mark.parametrize("zoom", range(len(ZOOMS)))
def test_labels_of_one_lane_never_overlap_and_marks_keep_their_distance(whole: Chain, zoom: int) -> None:
    scene = drawn(whole, zoom=zoom)
    assert all(after.x - before.x >= NARROWEST for before, after in pairwise(scene.marks))
    for lane in scene.lanes:
        marks = [mark for mark in scene.marks if mark.service == lane.service]
        assert all(after.x > before.x + 9 + text_width(before.label) for before, after in pairwise(marks))


@pytest.mark.parametrize("zoom", range(len(ZOOMS)))
def test_the_words_of_a_bar_fit_into_it(whole: Chain, zoom: int) -> None:
    for bar in drawn(whole, zoom=zoom).bars:
        assert bar.end is not None
        assert bar.width > 14 + text_width(f"{bar.words} {duration((bar.end - bar.start).total_seconds())}")


def test_an_event_that_arrives_moves_none_that_is_there(whole: Chain) -> None:
    growing = Chain(whole.correlation_id)
    before: dict[str, tuple[float, float]] = {}
    for fact in whole.facts:
        growing.add(fact)
        after = {one: (mark.x, mark.y) for mark in drawn(growing).marks for one in mark.ids}
        assert before.items() <= after.items(), f"{fact.topic} moved something"
        before = after


def test_the_usual_lanes_stand_before_their_services_have_spoken(whole: Chain) -> None:
    one = Chain(whole.correlation_id)
    one.add(whole.root)
    assert [lane.service for lane in drawn(one).lanes] == ["trainer", "registry", "validator", "deployer", "monitor"]


def test_a_service_that_speaks_unexpectedly_gets_its_lane_below(memory: Memory) -> None:
    skipped = memory.story.chains("credit")[1]
    assert [lane.service for lane in drawn(skipped).lanes][-1] == "tracking"


def test_a_longer_wait_is_drawn_longer_up_to_a_fold_that_says_how_long(whole: Chain) -> None:
    scene = drawn(whole)
    review = next(bar for bar in scene.bars if bar.waiting and bar.service == "registry")
    folds = [fold for fold in scene.folds if review.x < fold.x < review.x + review.width]
    assert [fold.words for fold in folds] == ["2 min 11 s"]
    widths = {zoom: drawn(whole, zoom=zoom).width for zoom in range(len(ZOOMS))}
    assert sorted(widths.values()) == list(widths.values()), "nearer is never narrower"


def test_what_goes_on_reaches_to_now_and_grows_to_a_bound(drifted: Chain) -> None:
    soon, later, much_later = (
        drawn(drifted, now=drifted.last.time + timedelta(seconds=seconds)) for seconds in (1, 3_600, 86_400)
    )
    for scene in (soon, later, much_later):
        review = scene.bars[-1]
        assert review.end is None
        assert review.x + review.width == scene.now
    assert soon.now is not None
    assert later.now is not None
    assert soon.now <= later.now == much_later.now


def test_a_finished_chain_has_no_now(whole: Chain) -> None:
    assert drawn(whole).now is None


def test_progress_of_a_run_is_shown_only_while_it_runs(drifted: Chain) -> None:
    running = Chain("c")
    for fact in drifted.facts[:5]:
        running.add(fact)
    scene = draw(running, now=NOON, zoom=USUAL_ZOOM, progress={"r-9d2e07aa": 0.6})
    assert [bar.progress for bar in scene.bars] == [None, 0.6]
    ended = draw(drifted, now=NOON, zoom=USUAL_ZOOM, progress={"r-9d2e07aa": 0.6})
    assert {bar.progress for bar in ended.bars} == {None}


def test_each_cause_in_the_scene_has_an_arrow_or_a_bar_to_its_effect(whole: Chain) -> None:
    scene = drawn(whole)
    mark_of = {one: mark for mark in scene.marks for one in mark.ids}
    arrows = {(arrow.cause, arrow.effect) for arrow in scene.arrows}
    bars = {(bar.opened.id, bar.closed.id) for bar in whole.bars if bar.closed}
    inside = {(mark.cause, mark.id) for mark in scene.marks if mark.topic == "dataset.registered"}
    for mark in scene.marks:
        if mark.cause in mark_of:
            assert (mark_of[mark.cause].id, mark.id) in arrows | bars | inside
    drops = {arrow.effect for arrow in scene.arrows} - {mark.id for mark in scene.marks}
    assert drops == {bar.id for bar in scene.bars if bar.service in ("validator", "deployer")}


def test_bars_that_join_are_arrow_enough(whole: Chain) -> None:
    """The trainer names the request as the cause of a run's end: queue and training lead there already."""
    joined = Chain("c")
    request, started, *_ = whole.facts
    ended = next(fact for fact in whole.facts if fact.topic == "run.completed")
    for fact in (request, started, replace(ended, causation_id=request.id)):
        joined.add(fact)
    assert drawn(joined).arrows == ()


def test_arrows_go_to_the_right_and_end_at_their_effect(whole: Chain) -> None:
    scene = drawn(whole)
    marks = {mark.id: mark for mark in scene.marks}
    for arrow in scene.arrows:
        points = [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", arrow.path)]
        assert all(after[0] >= before[0] for before, after in pairwise(points))
        if arrow.effect in marks:
            effect = marks[arrow.effect]
            assert abs(points[-1][0] - effect.x) <= 10
            assert abs(points[-1][1] - effect.y) <= 10


def test_works_of_one_lane_that_overlap_lie_below_one_another(whole: Chain, drifted: Chain) -> None:
    both = Chain("c")
    for fact in (*whole.facts[:2], *drifted.facts[2:4]):
        both.add(fact)
    bars = [bar for bar in drawn(both).bars if bar.service == "trainer" and not bar.waiting]
    assert len(bars) == 2
    assert bars[0].y != bars[1].y


def test_windows_alike_are_one_mark_with_their_number(whole: Chain) -> None:
    last = drawn(whole).marks[-1]
    assert (last.label, len(last.ids)) == ("stable x6", 6)
