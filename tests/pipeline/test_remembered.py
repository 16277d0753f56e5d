"""A corrected copy remembers what was measured of it and decided about it, and says nothing once it has changed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from refusals import refuses
from shapes import draw_shapes
from tiny_detect import quick

import labelscan
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.errors import DecisionsError
from labelscan.results.run import Run
from labelscan.results.wrong_labels import count_in_words

N = 600
CLASSES = ("cat", "dog", "fox")


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    """Return probabilities with labels of which some are wrong, seen and unseen by the model."""
    generator = np.random.default_rng(0)
    true_labels = generator.integers(0, 3, N)
    logits = generator.normal(size=(N, 3)) + generator.gamma(2, 1.5, N)[:, None] * np.eye(3)[true_labels]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given = np.where(generator.random(N) < 0.15, (true_labels + 1) % 3, true_labels)
    columns = {"id": [f"n{row:03}" for row in range(N)], "label": np.array(CLASSES)[given]}
    columns |= {f"prob:{name}": probs[:, number] for number, name in enumerate(CLASSES)}
    return pd.DataFrame(columns | {"truth": np.array(CLASSES)[true_labels]}).set_index("id", drop=False)


def decide(run: Run, table: pd.DataFrame, *, n: int) -> list[Decision]:
    """Return true decisions about the first labels of the measured sample, and about the list."""
    drawn = pd.read_csv(run.folder / "measure.csv", dtype=str)["example_id"].tolist()[:n]
    made = []
    for one in dict.fromkeys([*drawn, *run.issues.flagged["example_id"]]):
        given, true = run.issues.scores.set_index("example_id").loc[one, "given_label"], table.loc[one, "truth"]
        verdict = "keep" if given == true else "relabel"
        new_label = "" if given == true else true
        made.append(Decision(example_id=one, verdict=verdict, new_label=new_label, given_label=given))
    return made


@pytest.fixture
def corrected(table, tmp_path) -> Path:
    """Return the corrected copy of a run that was measured."""
    table.drop(columns="truth").to_csv(tmp_path / "probs.csv", index=False)
    run = labelscan.score(tmp_path / "probs.csv", output=tmp_path / "run")
    write_decisions(decide(run, table, n=60), tmp_path / "decisions.csv")
    applied = labelscan.apply(run, decisions=tmp_path / "decisions.csv", output=tmp_path / "copy" / "fixed.csv")
    return applied.output


def n_wrong(copy: Path, table: pd.DataFrame) -> int:
    labels = pd.read_csv(copy, dtype=str).set_index("id")["label"]
    return int((labels != table.loc[labels.index, "truth"]).sum())


def test_the_next_run_says_how_many_wrong_labels_are_left(corrected, table, tmp_path):
    before = labelscan.score(tmp_path / "probs.csv", output=tmp_path / "run", decisions=tmp_path / "decisions.csv")
    run = labelscan.score(corrected, output=tmp_path / "next")
    wrong, measured = run.summary.wrong_labels, before.summary.wrong_labels
    assert wrong.source == "earlier decisions"
    assert (wrong.before.low, wrong.before.high) == pytest.approx((measured.low, measured.high), rel=1e-4)
    assert wrong.before.n_fixed == n_wrong(tmp_path / "probs.csv", table) - n_wrong(corrected, table) > 10
    assert wrong.low == pytest.approx(max(measured.low - wrong.before.n_fixed, 0), abs=0.1)
    assert wrong.low <= n_wrong(corrected, table) <= wrong.high
    words = count_in_words(wrong, N)
    assert f"labels were measured to be wrong before, {wrong.before.n_fixed} were fixed: " in words
    assert words.endswith("of 600 are left, until measured anew")
    assert labelscan.gate(run, max_issues=0, require_measured=True).to_json()["wrong_labels"]["low"] == pytest.approx(
        wrong.low
    )


def test_decided_labels_are_known_and_not_drawn_again(corrected, tmp_path):
    run = labelscan.score(corrected, output=tmp_path / "next")
    decided = set(pd.read_csv(tmp_path / "decisions.csv", dtype=str)["example_id"])
    assert set(run.decided) == decided
    assert not decided & set(run.issues.flagged["example_id"])
    assert not decided & set(pd.read_csv(run.folder / "measure.csv", dtype=str)["example_id"])


@pytest.mark.parametrize("n", [10, 50, 200])
def test_a_new_measurement_counts_together_with_what_is_remembered(corrected, table, n, tmp_path):
    run = labelscan.score(corrected, output=tmp_path / "next")
    earlier = run.summary.wrong_labels
    decisions = decide(run, table, n=n)
    run = labelscan.score(corrected, output=tmp_path / "next", decisions=decisions)
    wrong = run.summary.wrong_labels
    assert wrong.source == "decisions"
    assert wrong.n_decided in (n, n + 1)  # the label after the last one may be on the list, and decided there
    assert earlier.low <= wrong.low <= n_wrong(corrected, table) <= wrong.high <= earlier.high
    assert f"from {wrong.n_decided} decisions and 60 before the correction, most likely " in count_in_words(wrong, N)
    labelscan.apply(run, decisions=decisions, output=tmp_path / "copy" / "third.csv")
    left = labelscan.score(tmp_path / "copy" / "third.csv", output=tmp_path / "third").summary.wrong_labels
    assert (left.before.low, left.before.n_decided) == pytest.approx((wrong.low, wrong.n_decided + 60), rel=1e-4)


def test_a_new_measurement_that_contradicts_what_is_remembered_counts_alone(corrected, table, tmp_path):
    beside = corrected.with_name("fixed.csv.review.json")
    content = json.loads(beside.read_text())
    content["measured"] |= {"low_left": 400, "high_left": 500}
    beside.write_text(json.dumps(content))
    run = labelscan.score(corrected, output=tmp_path / "next")
    run = labelscan.score(corrected, output=tmp_path / "next", decisions=decide(run, table, n=100))
    wrong = run.summary.wrong_labels
    assert (wrong.source, wrong.before) == ("decisions", None)
    assert wrong.low <= n_wrong(corrected, table) <= wrong.high < 400


def test_a_second_correction_goes_on_from_the_first(corrected, table, tmp_path):
    run = labelscan.score(corrected, output=tmp_path / "next")
    first = run.summary.wrong_labels.before
    made = [one for one in decide(run, table, n=0) if one.verdict == "relabel"]
    labelscan.apply(run, decisions=made, output=tmp_path / "copy" / "second.csv")
    second = labelscan.score(tmp_path / "copy" / "second.csv", output=tmp_path / "third").summary.wrong_labels.before
    assert (second.low, second.high) == pytest.approx((first.low, first.high))
    assert second.n_fixed == first.n_fixed + len(made)
    assert second.high_left == pytest.approx(first.high_left - len(made), abs=1)


@pytest.mark.parametrize("change", ["a label", "no file beside it", "a row less"])
def test_a_copy_that_changed_or_lost_its_file_remembers_nothing(corrected, change, tmp_path):
    beside = corrected.with_name("fixed.csv.review.json")
    assert beside.is_file()
    table = pd.read_csv(corrected, dtype=str)
    if change == "a label":
        table.loc[0, "label"] = "dog" if table.loc[0, "label"] == "cat" else "cat"
    table.iloc[: -1 if change == "a row less" else None].to_csv(corrected, index=False)
    if change == "no file beside it":
        beside.unlink()
    run = labelscan.score(corrected, output=tmp_path / "next")
    assert (run.summary.wrong_labels.source, run.decided) == ("one opinion", ())
    assert any("have changed since" in note for note in run.summary.notes) == beside.is_file()


def test_a_damaged_file_beside_a_copy_is_refused(corrected, tmp_path):
    beside = corrected.with_name("fixed.csv.review.json")
    for content in ("", "[]", json.dumps({"labels": 3}), "\0"):
        beside.write_text(content)
        with refuses(DecisionsError, "not-remembered", str(beside)):
            labelscan.score(corrected, output=tmp_path / "next")


def test_class_folders_made_by_links_remember_too(tmp_path):

    images, true_labels = draw_shapes(90)
    given = true_labels.copy()
    given[:6] = (given[:6] + 1) % 3
    for row, (image, label) in enumerate(zip(images, given, strict=True)):
        folder = tmp_path / "photos" / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{row}.png")
    settings = quick()
    run = labelscan.detect(tmp_path / "photos", settings=settings, output=tmp_path / "run")
    wrong = {f"{CLASSES[given[row]]}/{row}.png": CLASSES[true_labels[row]] for row in range(6)}
    made = [Decision(example_id=one, verdict="relabel", new_label=label) for one, label in wrong.items()]
    drawn = [one for one in pd.read_csv(tmp_path / "run" / "measure.csv")["example_id"][:30] if one not in wrong]
    made += [Decision(example_id=one, verdict="keep") for one in drawn]
    labelscan.apply(run, decisions=made, link_to=tmp_path / "fixed")
    again = labelscan.detect(tmp_path / "fixed", settings=settings, output=tmp_path / "next")
    assert again.summary.wrong_labels.source == "earlier decisions"
    assert set(again.decided) == {*drawn, *(f"{label}/{one.partition('/')[2]}" for one, label in wrong.items())}


def test_corrected_labels_in_memory_remember_by_what_apply_returned(table, tmp_path):
    words = [f"text {row} is about a {one}" for row, one in enumerate(table["truth"])]
    texts = table[["label"]].assign(text=words)
    settings = quick(**{"model.name": "tfidf"})
    run = labelscan.detect(texts, label="label", settings=settings, output=tmp_path / "run")
    applied = labelscan.apply(run, decisions=decide(run, table, n=40), output=tmp_path / "fixed.csv")
    fixed = texts.assign(label=pd.Series(applied.labels)[texts.index].to_numpy())
    again = labelscan.detect(fixed, label="label", settings=settings, after=applied, output=tmp_path / "next")
    assert again.summary.wrong_labels.source == "earlier decisions"
    assert labelscan.detect(fixed, label="label", settings=settings, output=tmp_path / "b").decided == ()
