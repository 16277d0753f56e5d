"""The walk of a user with photos, from the labels to the gate: fifty decisions on the page settle how many are wrong.

    python -m pytest -m slow --data DIR tests/end_to_end/test_measure_photos.py

DIR holds the development data set caltech18, whose truth.csv plays the reviewer. The models never see it.
"""

import csv
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
N_DECISIONS = 50


@pytest.fixture(scope="module")
def photos(request):
    """Return the folder of the photos."""
    folder = Path(request.config.getoption("--data") or "", "caltech18").absolute()
    if not (folder / "truth.csv").is_file():
        pytest.skip("name the folder that holds caltech18/ by --data")
    return folder


@pytest.fixture(scope="module")
def truth(photos):
    """Return the given and the true label of each photo, by its path."""
    table = pd.read_csv(photos / "truth.csv", dtype=str)
    table.index = [str(photos / file) for file in table["file"]]
    return table[["given_label", "true_label"]]


@pytest.fixture(scope="module")
def work(truth, tmp_path_factory):
    """Return a folder with labels.csv, which says nothing of the truth, and a finished run on it."""
    folder = tmp_path_factory.mktemp("photos")
    write_labels(folder / "labels.csv", truth["given_label"])
    done = labelscan(folder, "detect", "labels.csv", "-o", "run")
    assert "true" not in (folder / "run" / "scores.csv").read_text(encoding="utf-8").splitlines()[0]
    assert re.search(r"between \d+ and \d+ of 1,294 labels are probably wrong \(most likely \d+\)", done)
    return folder


def write_labels(path, labels):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *labels.items()])


def labelscan(folder, *arguments, code=0):
    """Run a command in a folder and return what it writes to both streams."""
    settings = [name for name in os.environ if name.startswith("LABELSCAN_")]
    environment = {name: value for name, value in os.environ.items() if name not in settings} | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "labelscan", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def fingerprints(photos, folder):
    """Return what must stay as it is: the user's files by their content."""
    files = [folder / "labels.csv", *sorted(path for path in photos.rglob("*") if path.is_file())]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def open_page(browser, folder):
    """Return the page of the run as a visitor sees it who has never been there."""
    tab = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    tab.goto((folder / "run" / "report.html").as_uri())
    return tab


def decide(tab, truth, n):
    """Decide the labels of the measurement by keys, as somebody would who sees what the photo shows."""
    for _ in range(n):
        card = tab.locator(".card[aria-current]")
        true_label = truth.at[card.locator("code").inner_text(), "true_label"]
        given, suggested = card.locator(".name").all_inner_texts()
        if true_label in (given, suggested):
            tab.keyboard.press("g" if true_label == given else "s")
            continue
        tab.keyboard.press("o")
        tab.get_by_role("combobox").fill(true_label)
        tab.keyboard.press("Enter")


def interval(text):
    """Return the two ends of a range in a sentence, such as 12 to 34."""
    return tuple(int(number.replace(",", "")) for number in re.search(r"([\d,]+) to ([\d,]+)", text).groups())


def wait_for_count(tab, n):
    """Return the interval on the page when it is that of ``n`` decisions."""
    state = tab.locator("#measure-state").filter(has_text=f"interval from {n} decisions")
    state.wait_for(timeout=10_000)
    return interval(state.inner_text())


@pytest.fixture(scope="module")
def decisions(work, photos, truth, browser):
    """Decide fifty labels on the page, watch what it says, and return decisions.csv and the last interval."""
    before = fingerprints(photos, work)
    labelscan(work, "report", "run")
    tab = open_page(browser, work)
    at_first = tab.locator("h1").inner_text(), tab.locator("#lead-list").inner_text()
    assert "probably wrong" in at_first[0]
    tab.locator(".hero").get_by_role("button", name="Measure: decide 50 labels").click()
    decide(tab, truth, 25)
    midway = wait_for_count(tab, 25)
    assert interval(tab.locator("h1").inner_text()) == midway
    rate_midway = tab.locator("#lead-list").inner_text()
    assert rate_midway != at_first[1]
    tab.reload()
    assert wait_for_count(tab, 25) == midway
    tab.locator(".hero").get_by_role("button", name="Measure: 25 labels left").click()
    decide(tab, truth, 25)
    low, high = wait_for_count(tab, N_DECISIONS)
    assert high - low < midway[1] - midway[0]
    assert interval(tab.locator("h1").inner_text()) == (low, high)
    assert "probably" not in tab.locator("h1").inner_text()
    assert tab.locator("#lead-list").inner_text() != rate_midway
    assert tab.locator("#gate-command").inner_text() == "labelscan gate run --decisions decisions.csv --max-rate 0.02"
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save decisions.csv").click()
    download.value.save_as(work / "decisions.csv")
    tab.context.close()
    assert fingerprints(photos, work) == before
    return work / "decisions.csv", (low, high)


def test_the_decisions_are_those_of_the_reviewer(decisions, truth):
    path, _ = decisions
    made = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("example_id")
    expected = truth.loc[made.index]
    assert len(made) == N_DECISIONS
    is_wrong = expected["given_label"] != expected["true_label"]
    assert made["decision"].tolist() == ["relabel" if wrong else "keep" for wrong in is_wrong]
    assert made["new_label"].tolist() == expected["true_label"].where(is_wrong, "").tolist()
    assert 5 < is_wrong.sum() < 45


def test_the_interval_of_fifty_decisions_holds_the_true_number(decisions, truth):
    _, (low, high) = decisions
    assert low <= (truth["given_label"] != truth["true_label"]).sum() <= high


def test_apply_changes_what_was_decided_and_nothing_else(decisions, work, truth):
    path, _ = decisions
    shown = labelscan(work, "apply", "run", "--decisions", path.name, "-o", "corrected.csv")
    made = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("example_id")
    n_changed = int((made["decision"] == "relabel").sum())
    assert f"{n_changed} relabelled, 0 left out, {1294 - n_changed:,} of 1,294 labels unchanged" in shown
    corrected = pd.read_csv(work / "corrected.csv", dtype=str).set_index("path")["label"]
    expected = truth["given_label"].where(~truth.index.isin(made.index), truth["true_label"])
    assert corrected.to_dict() == expected.to_dict()


@pytest.mark.parametrize(("most", "code", "word"), [("0.3", 0, "PASSED"), ("0.02", 1, "FAILED")])
def test_the_gate_judges_by_the_decisions(decisions, work, most, code, word):
    path, (low, high) = decisions
    before = (work / "run" / "issues.csv").read_bytes()
    shown = labelscan(work, "gate", "run", "--decisions", path.name, "--max-rate", most, code=code)
    assert shown.startswith(f"{word}: ")
    assert "of the scored labels are wrong, as measured" in " ".join(shown.split())
    sentence = next(line for line in shown.splitlines() if "95 % interval from 50 decisions" in line)
    assert interval(sentence) == (pytest.approx(low, abs=2), pytest.approx(high, abs=2))
    assert (work / "run" / "issues.csv").read_bytes() == before


def test_a_decision_about_a_label_that_has_changed_since_is_left_out(decisions, work, truth):
    path, _ = decisions
    made = pd.read_csv(path, dtype=str, keep_default_na=False)
    changed = made["example_id"][made["decision"] == "relabel"].iloc[0]
    labels = truth["given_label"].copy()
    labels[changed] = truth.at[changed, "true_label"]
    write_labels(work / "changed.csv", labels)
    shown = labelscan(work, "detect", "changed.csv", "-o", "changed", "--decisions", path.name)
    assert "1 of 50 decisions was left out" in shown
    assert changed in shown
    assert "95 % interval from 49 decisions" in shown
    scores = pd.read_csv(work / "changed" / "scores.csv", index_col="example_id")
    decided_wrong = made["example_id"][made["decision"] == "relabel"].drop(made.index[made["example_id"] == changed])
    assert scores.loc[decided_wrong, "flagged"].all()
    assert not scores.loc[made["example_id"][made["decision"] == "keep"], "flagged"].any()
