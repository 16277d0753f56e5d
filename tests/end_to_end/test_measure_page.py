"""The measurement as a reviewer makes it: on the page of a run with known errors, by keyboard."""

import re
from dataclasses import replace

import numpy as np
import pytest
import served
from tiny_page import a_feature_note, a_measurement, a_page, a_summary, a_suspect

import labelscan
from labelscan.correction.decisions import Decision, read_decisions, write_decisions
from labelscan.correction.judging import judge_finished
from labelscan.correction.review import read_review
from labelscan.reporting.formats.html import render_html
from labelscan.reporting.make_report import make_report_page
from labelscan.results.run import FinishedRun

N = 1500
CLASSES = ("cat", "dog", "fox")


def a_measured_page(**changes):
    suspects = tuple(a_suspect(rank) for rank in range(1, 9))
    return a_page(**({"suspects": suspects, "measurement": a_measurement(suspects)} | changes))


@pytest.fixture(scope="module")
def true_labels():
    return np.random.default_rng(1).integers(0, 3, N)


@pytest.fixture(scope="module")
def run(tmp_path_factory, true_labels):
    """Make a run in which every tenth label is wrong; the probabilities of every fourth example are a weak guess."""
    generator = np.random.default_rng(2)
    given = np.where(generator.random(N) < 0.1, (true_labels + 1) % 3, true_labels)
    trust = np.where(generator.random(N) < 0.25, 0.5, 4)[:, None]
    probs = generator.dirichlet(np.ones(3), N) + trust * np.eye(3)[true_labels]
    probs /= probs.sum(axis=1, keepdims=True)
    folder = labelscan.score(
        probs, given, class_names=CLASSES, output=tmp_path_factory.mktemp("measured") / "run"
    ).folder
    return FinishedRun.read(folder)


def decide_by_truth(tab, true_labels, n):
    """Decide the current labels as somebody would who knows: by a key each."""
    for _ in range(n):
        card = tab.locator(".card[aria-current]")
        truth = CLASSES[true_labels[int(card.locator("code").inner_text())]]
        given, suggested = card.locator(".name").all_inner_texts()
        tab.keyboard.press("g" if truth == given else "s" if truth == suggested else "d")


def range_in(text):
    """Return the two numbers of a range, such as 12 to 34."""
    low, high = re.search(r"([\d,]+) to ([\d,]+)", text).groups()
    return int(low.replace(",", "")), int(high.replace(",", ""))


def listed_in(tab):
    """Return how many labels the page says would be on the list, and how many are on it now."""
    words = tab.locator("#measure-state").inner_text()
    rescored, now = re.search(r"Re-scored, ([\d,]+) labels? would be on the list \(([\d,]+) now\)\.", words).groups()
    return int(rescored.replace(",", "")), int(now.replace(",", ""))


def wait_for(tab, selector, text):
    tab.locator(selector).filter(has_text=text).wait_for(timeout=10_000)
    return tab.locator(selector).inner_text()


def saved(tab, path):
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save decisions.csv").click()
    download.value.save_as(path)
    return read_decisions(path)


def test_fifty_decisions_by_key_measure_how_many_labels_are_wrong(visit, run, true_labels, tmp_path):
    given = np.array([CLASSES.index(label) for label in run.given_labels.values()])
    rows = np.array(list(run.given_labels), dtype=int)
    n_errors = int((given != true_labels[rows]).sum())
    tab = visit(make_report_page(run))
    assert not tab.locator("#curve").is_visible()
    headline = tab.locator("h1").inner_text()
    tab.locator(".hero").get_by_role("button", name="Measure: decide 50 labels").click()
    decide_by_truth(tab, true_labels, 9)
    wait_for(tab, "#measure-wait", "the first 10 of the measurement say (9 decided)")
    assert tab.locator("h1").inner_text() == headline
    decide_by_truth(tab, true_labels, 1)
    after_ten = range_in(wait_for(tab, "#measure-state", "interval from 10 decisions"))
    assert range_in(tab.locator("h1").inner_text()) == after_ten
    assert range_in(tab.locator("#estimate").inner_text()) == after_ten
    listed_after_ten, n_flagged = listed_in(tab)
    assert n_flagged == make_report_page(run).n_flagged
    assert tab.locator(".to-measure").first.inner_text() == "Measure: 40 labels left"
    decide_by_truth(tab, true_labels, 40)
    words = wait_for(tab, "#measure-state", "interval from 50 decisions")
    low, high = range_in(words)
    assert low <= n_errors <= high
    assert high - low < 0.8 * (after_ten[1] - after_ten[0])
    assert "About 150 more decisions would halve the interval." in words
    listed, _ = listed_in(tab)
    assert listed != listed_after_ten
    assert tab.locator("#measure:focus").count() == 1
    assert tab.locator("#measure-state").evaluate("node => node.getBoundingClientRect().top") < 300
    tiles = tab.locator("#measured dt").all_inner_texts()
    assert tiles == ["wrong labels", "the list holds", "on the list", "a review pays"]
    flagged = run.issues.scores.head(make_report_page(run).n_flagged)["example_id"].astype(int).to_numpy()
    precision = range_in(tab.locator("#measured dd:not(.small)").nth(2).inner_text())
    wrong = dict(zip(rows.tolist(), (given != true_labels[rows]).tolist(), strict=True))
    assert precision[0] <= 100 * np.mean([wrong[row] for row in flagged.tolist()]) <= precision[1]
    assert tab.locator("#curve-drawing polyline").count() == 2
    assert f"The list ends at rank {len(flagged)}." in tab.locator("#curve-text").inner_text()
    tab.get_by_text("The curve in numbers").click()
    assert tab.locator("#curve-table tbody tr").count() > 3
    shown = tab.locator("h1").inner_text()
    tab.reload()
    wait_for(tab, "h1", shown)
    assert tab.locator(".to-measure").first.inner_text() == "Measure: all 50 are decided"
    decisions = saved(tab, tmp_path / "decisions.csv")
    sample = [one.example_id for one in make_report_page(run).measurement.to_decide[:50]]
    assert {one.example_id for one in decisions} == set(sample)
    assert {one.example_id for one in decisions if one.verdict != "keep"} == {
        name for name in sample if wrong[int(name)]
    }
    again = judge_finished(run, read_review(decisions))
    count = again.summary.wrong_labels
    assert (low, high) == (pytest.approx(count.low, abs=1.5), pytest.approx(count.high, abs=1.5))
    assert listed == pytest.approx(len(again.issues.flagged), abs=N // 100)


def test_decisions_of_the_review_are_counted_and_measure_nothing(visit, run, true_labels):
    tab = visit(make_report_page(run))
    tab.locator("#start").click()
    decide_by_truth(tab, true_labels, 12)
    words = wait_for(tab, "#measure-wait", "12 of 12 decisions")
    assert words.startswith('12 of 12 decisions say "wrong". How many of all labels are, the first 10')
    assert not tab.locator("#measured").is_visible()
    tab.get_by_role("button", name="Measurement").click()
    decide_by_truth(tab, true_labels, 10)
    first = range_in(wait_for(tab, "#measure-state", "interval from 1"))
    assert first[0] >= 12
    tab.keyboard.type("uz")
    tab.keyboard.type("z" * 5)
    tab.locator("#measured").wait_for(state="hidden")


def test_a_card_of_the_measurement_says_nothing_of_doubt(visit):
    notes = (a_feature_note(),)
    suspects = tuple(a_suspect(rank, true_label="fox", picture=None, features=notes) for rank in range(1, 9))
    tab = visit(a_measured_page(suspects=suspects, measurement=a_measurement(suspects)))
    tab.get_by_role("button", name="Measurement").click()
    cards = tab.locator(".card")
    assert cards.count() == 40
    assert tab.locator(".card .features td").count() == 3, "the value, and what is usual of both classes"
    hints = "rank|probab|likely|flagged|detector|confiden|true label|looks like|stand|deviation|data-share"
    assert re.findall(hints, tab.locator("#gallery").inner_html()) == []
    assert cards.locator(".place").all_text_contents() == [f"{place} of 50" for place in range(1, 41)]
    assert len(set(cards.evaluate_all("cards => cards.map(card => card.className)"))) == 1
    assert not tab.locator("#filters").is_visible()


def test_a_label_is_decided_in_both_lists_at_once(visit):
    tab = visit(a_measured_page())
    tab.get_by_role("link", name="Review all 8").click()
    tab.keyboard.type("jjj")
    tab.keyboard.press("d")
    tab.locator(".hero .to-measure").filter(has_text="49 labels left").wait_for()
    tab.get_by_role("button", name="Measurement").click()
    assert tab.locator(".card[data-state=drop] code").all_text_contents() == ["04.png"]
    assert tab.locator(".card[aria-current] .place").inner_text() == "2 of 50"
    assert tab.get_by_label("1 of 50 decided").count() == 1
    tab.keyboard.press("g")
    tab.get_by_role("button", name="Flagged labels").click()
    assert tab.get_by_label("1 of 8 reviewed").count() == 1
    tab.locator("body").press("z")  # what it takes back is in the other list
    assert tab.get_by_label("1 of 50 decided").count() == 1
    assert tab.get_by_role("heading", name="Measure how many labels are wrong").count() == 1
    tab.locator(".mosaic button").nth(3).click()
    assert tab.locator(".card[aria-current] code").inner_text() == "04.png"


def test_the_curves_are_distinguished_where_colours_are_forced(visit):
    tab = visit(a_measured_page(), forced_colors="active")
    tab.get_by_role("button", name="Measurement").click()
    tab.keyboard.type("g" * 10)
    wait_for(tab, "#measure-state", "interval from 10 decisions")
    lines = tab.locator("#curve-drawing .line").evaluate_all(
        "lines => lines.map(getComputedStyle).map(style => [style.stroke, style.strokeDasharray])"
    )
    (colour, dashes), (other_colour, other_dashes) = lines
    assert colour == other_colour
    assert dashes != other_dashes


def test_what_to_do_next_is_in_view_when_all_are_decided_and_saved(visit, tmp_path):
    tab = visit(a_measured_page(), viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    tab.get_by_label("25", exact=True).check()
    tab.locator(".hero .to-measure").click()
    tab.keyboard.type("g" * 24)
    assert tab.get_by_role("link", name="What to do with the decisions").count() == 0
    saved(tab, tmp_path / "decisions.csv")
    message = tab.locator("#message")
    box = message.bounding_box()
    assert "Next: labelscan apply" in message.inner_text()
    assert 0 <= box["y"] < box["y"] + box["height"] <= 844
    tab.keyboard.press("g")
    tab.get_by_role("link", name="What to do with the decisions").click()
    assert tab.get_by_role("heading", name="When you are done").evaluate("one => one.getBoundingClientRect().top") < 844


def test_a_message_goes_with_the_next_decision(visit, tmp_path):
    tab = visit(a_measured_page())
    tab.get_by_role("button", name="Measurement").click()
    tab.keyboard.press("g")
    saved(tab, tmp_path / "decisions.csv")
    assert tab.locator("#message").inner_text()
    tab.keyboard.press("g")
    assert not tab.locator("#message").inner_text()


def test_how_many_to_decide_is_chosen_and_kept(visit):
    tab = visit(a_measured_page())
    tab.get_by_label("25", exact=True).check()
    tab.locator("#measure-form").get_by_role("button", name="Measure: decide 25 labels").click()
    assert tab.get_by_role("article").count() == 25
    tab.get_by_label("60", exact=True).check()
    assert tab.get_by_label("0 of 60 decided").count() == 1
    tab.reload()
    assert tab.locator("#measure-form").get_by_role("button", name="Measure: decide 60 labels").count() == 1


def test_a_run_that_flags_nothing_can_be_measured(visit):
    summary = a_summary(detector="noise-posterior:label_doubt=1")
    tab = visit(a_page(suspects=(), n_flagged=0, summary=summary, measurement=a_measurement((), n_flagged=0)))
    tab.locator(".hero .to-measure").click()
    tab.keyboard.type("ggggsgggggg")
    wait_for(tab, "#measure-state", "interval from 11 decisions")
    assert tab.locator("#measured dt").all_inner_texts() == ["wrong labels", "a review pays"]
    assert tab.locator("#curve-drawing polyline").count() == 2


def test_a_page_of_measured_labels_waits_for_as_many_decisions(visit):
    page = a_measured_page()
    measured = replace(page.summary.wrong_labels, source="decisions", n_decided=12)
    tab = visit(replace(page, summary=replace(page.summary, wrong_labels=measured)))
    assert "Load the decisions" in tab.locator("#measure-state").inner_text()
    tab.get_by_role("button", name="Measurement").click()
    tab.keyboard.type("g" * 11)
    wait_for(tab, "#measure-wait", "the first 12 of the measurement say (11 decided)")
    assert tab.locator("h1").inner_text() == "4 to 12 of 1,190 labels are wrong"
    tab.keyboard.press("g")
    wait_for(tab, "#measure-state", "interval from 12 decisions")


def test_decisions_from_before_a_correction_measure_nothing_and_stay_in_the_file(visit, run, true_labels, tmp_path):
    tab = visit(make_report_page(run))
    tab.locator(".hero .to-measure").click()
    decide_by_truth(tab, true_labels, 12)
    wait_for(tab, "#measure-state", "interval from 12 decisions")
    at = tab.locator(".card[aria-current]")
    given, suggested = at.locator(".name").all_inner_texts()
    other = next(name for name in CLASSES if name not in (given, suggested))
    corrected = Decision(
        example_id=at.locator("code").inner_text(), verdict="relabel", new_label=given, given_label=other
    )
    write_decisions([corrected], tmp_path / "before.csv")
    tab.set_input_files("#import", tmp_path / "before.csv")
    tab.get_by_text("Kept, though corrected since: 1.").wait_for()
    wait_for(tab, "#measure-wait", "Of labels decided to be wrong, 1 has been corrected since")
    assert "interval" not in tab.locator("#measure-state").inner_text()
    kept = {one.example_id: one.given_label for one in saved(tab, tmp_path / "decisions.csv")}
    assert kept[corrected.example_id] == other
    review = read_review(tmp_path / "decisions.csv")
    assert judge_finished(run, review).summary.wrong_labels.source == "one opinion"


def test_a_label_that_is_what_it_was_decided_to_be_is_right(visit):
    tab = visit(a_measured_page())
    tab.locator(".hero .to-measure").click()
    tab.keyboard.type("g" * 10)
    before = wait_for(tab, "#measure-state", "interval from 10 decisions")
    same = "({ ...one, decision: 'relabel', new_label: one.given_label })"
    tab.evaluate(f"decisions.take(decisions.list().map((one) => {same}))")
    tab.evaluate("measuring.show()")
    assert tab.evaluate("decisions.list().map((one) => one.decision)") == ["relabel"] * 10
    assert tab.locator("#measure-state").inner_text() == before


def test_a_served_page_saves_the_measurement_in_the_run(browser, tmp_path):
    page, path = a_measured_page(), tmp_path / "decisions.csv"
    given_labels = {one.example_id: one.given_label for one in (*page.suspects, *page.measurement.to_decide)}
    with served.serving(lambda save_to: render_html(replace(page, save_to=save_to)), path, given_labels) as server:
        tab = browser.new_page()
        tab.goto(server.url)
        tab.get_by_role("button", name="Measurement").click()
        with tab.expect_response(lambda answer: answer.request.method == "PUT" and answer.status == 204):
            tab.keyboard.press("s")
        tab.close()
    first = page.measurement.to_decide[0]
    assert [(one.example_id, one.new_label) for one in read_decisions(path)] == [
        (first.example_id, first.suggested_label)
    ]


def test_no_rank_is_advised_where_another_detector_ranks(visit):
    tab = visit(a_measured_page(summary=a_summary(detector="confident-learning")))
    tab.get_by_role("button", name="Measurement").click()
    tab.keyboard.type("sgsgsgsgsg")
    wait_for(tab, "#measure-state", "interval from 10 decisions")
    assert tab.locator("#measured dt").all_inner_texts() == ["wrong labels", "the list holds", "on the list"]
    assert "Re-scored" not in tab.locator("#measure-state").inner_text()
    assert tab.locator("#curve-drawing .mark").count() == 1
    assert "pays" not in tab.locator("#curve-text").inner_text()


def test_the_measurement_is_accessible_and_fits_the_screen(visit, violations):
    tab = visit(a_measured_page(), viewport={"width": 320, "height": 844})
    tab.get_by_label("25", exact=True).check()
    tab.get_by_role("button", name="Measurement").click()
    tab.keyboard.type("ssgsggugggggg")
    wait_for(tab, "#measure-state", "interval from 12 decisions")
    tab.get_by_text("The curve in numbers").click()
    for width, theme in ((320, "light"), (1280, "dark")):
        tab.set_viewport_size({"width": width, "height": 844})
        tab.emulate_media(color_scheme=theme)
        assert violations(tab) == []
        assert tab.locator("html").evaluate("root => root.scrollWidth - root.clientWidth") == 0
        assert tab.locator("#curve-drawing").evaluate("svg => svg.getBoundingClientRect().right") <= width
