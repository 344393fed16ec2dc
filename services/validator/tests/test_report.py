"""The report: what a reviewer finds in it, and what must never be in it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest
from validator_facts import (
    PlainReporter,
    data_section,
    good_model,
    state,
    validation_section,
    weak_model,
    whole_holdout,
)

from murmur_validator.domain.judgement import Check, judge, not_judged
from murmur_validator.domain.measurements import Measurements
from murmur_validator.evaluation import measure
from murmur_validator.ports import Dossier, Material, Reporter
from murmur_validator.report import HtmlReporter
from murmur_validator.report.plots import roc_curve
from murmur_validator.translation import rules_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@cache
def better() -> Dossier:
    """v2 is better than v1."""
    rules = rules_of(validation_section())
    candidate, baseline = state(2), state(1)
    evidence = measure(
        Material(
            candidate=candidate,
            candidate_model=good_model(),
            baseline=baseline,
            baseline_model=weak_model(),
            holdout=whole_holdout(),
            data=data_section(),
            baseline_data=data_section(),
            rules=rules,
        ),
        resamples=200,
    )
    return Dossier(
        candidate=candidate,
        baseline=baseline,
        rules=rules,
        judgement=judge(evidence.measurements, rules, baseline=1),
        evidence=evidence,
        judged_at=NOON,
    )


def measured() -> Measurements:
    evidence = better().evidence
    assert evidence is not None
    return evidence.measurements


def with_measurements(dossier: Dossier, measurements: Measurements) -> Dossier:
    assert dossier.evidence is not None
    baseline = dossier.baseline.version if dossier.baseline else None
    return replace(
        dossier,
        evidence=replace(dossier.evidence, measurements=measurements),
        judgement=judge(measurements, dossier.rules, baseline=baseline),
    )


@cache
def page() -> str:
    return HtmlReporter().html(better()).decode()


class Outline(HTMLParser):
    """What a page is made of; raises on tags that are not closed in order."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "use", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2") and data.strip():
            self.headings.append(data.strip())


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    parsed.close()
    return parsed


def test_the_verdict_comes_first_then_losses_then_plots_then_evidence() -> None:
    found = outline(page())
    assert found.open == []
    assert found.headings == [
        "credit v2",
        "AUC, difference",
        "KS, difference",
        "Brier score, difference",
        "What got worse",
        "What could not be tested",
        "Checks",
        "ROC curve",
        "Calibration",
        "Score distributions",
        "Bootstrap differences",
        "Slices",
        "Metrics",
        "Slices",
        "Evidence",
    ]


def test_the_numbers_that_carried_the_verdict_stand_there_with_their_intervals() -> None:
    html = page().replace("\N{MINUS SIGN}", "-")
    assert "better than v1" in html
    assert better().judgement.summary in html
    for estimate in list(measured().differences.values())[:3]:
        assert f"{estimate.value:+.4f}" in html
        assert f"[{estimate.low:+.4f}, {estimate.high:+.4f}]" in html


def test_everything_needed_to_judge_again_is_named() -> None:
    for version in (state(2), state(1)):
        assert version.artifacts.model.sha256 in page()
        assert version.run_id in page()
    assert state(2).artifacts.dataset.holdout.sha256 in page()
    assert "200 resamples" in page()
    assert "xgboost-cpu" in page()


def test_the_file_asks_for_nothing_and_runs_nothing() -> None:
    named = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', page())
    assert all((one or other).startswith("#") for one, other in named)
    assert "<script" not in page()
    assert "@import" not in page()
    assert "default-src 'none'" in page()


def test_the_plots_take_the_colours_of_the_page_and_have_ids_of_their_own() -> None:
    assert "#0102" not in page()
    assert "var(--candidate)" in page()
    ids = outline(page()).ids
    assert len(ids) == len(set(ids))


def test_the_same_dossier_gives_the_same_bytes() -> None:
    assert HtmlReporter().html(better()).decode() == page()


def test_texts_from_data_are_never_markup() -> None:
    evil = "<script>alert('$x_1$')</script>"
    groups = tuple(replace(group, value=evil) for group in measured().groups)
    html = HtmlReporter().html(with_measurements(better(), replace(measured(), groups=groups))).decode()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_first_version_has_a_report_without_comparison() -> None:
    dossier = better()
    assert dossier.evidence is not None
    alone = replace(
        dossier,
        baseline=None,
        evidence=replace(dossier.evidence, scores=replace(dossier.evidence.scores, baseline=None)),
    )
    groups = tuple(replace(group, baseline_auc=None) for group in measured().groups)
    measurements = replace(measured(), baseline={}, differences={}, groups=groups)
    html = HtmlReporter().html(with_measurements(alone, measurements)).decode()
    assert "good enough to be the first" in html
    assert "there is nothing to compare with" in html
    assert "Bootstrap differences" not in html


def test_what_could_not_be_judged_has_a_report_that_says_why() -> None:
    detail = "the artifact file:///a was changed after it was stored: expected sha256 1, found 2"
    judgement = not_judged(Check(name="candidate_model_intact", passed=False, detail=detail))
    html = HtmlReporter().html(replace(better(), evidence=None, judgement=judgement)).decode()
    assert "could not be judged" in html
    assert detail in html
    assert "<svg" not in html


@pytest.mark.parametrize("reporter", [PlainReporter(), HtmlReporter()])
async def test_every_reporter_gives_text_that_tells_the_verdict(reporter: Reporter) -> None:
    judgement = not_judged(Check(name="judged", passed=False, detail="nothing worked"))
    text = (await reporter.render(replace(better(), evidence=None, judgement=judgement))).decode()
    assert "nothing worked" in text


def test_the_roc_curve_is_that_of_the_definition() -> None:
    labels = np.array([0.0, 0.0, 1.0, 1.0])
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    false, true = roc_curve(labels, scores)
    assert false.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert true.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert np.trapezoid(true, false) == 0.75
