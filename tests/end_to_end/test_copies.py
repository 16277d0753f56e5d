"""Copies of a text share a fold, so that none is judged by a model that has seen its own label."""

import numpy as np
import pandas as pd

import labelscan


def texts(n=400, n_wrong=24, seed=0):
    """Return texts of two classes; each with a wrong label has a copy that differs in case and punctuation."""
    generator = np.random.default_rng(seed)
    words = np.array([f"{start}{end}" for start in "bcdfghklmnprst" for end in ("alo", "eri", "omu", "uta", "ine")])
    true = np.arange(n) % 2
    chances = np.where(np.arange(len(words)) < 35, 2.0, 1.0)
    chosen = [generator.choice(words, 14, p=(chances if label else chances[::-1]) / chances.sum()) for label in true]
    wrong = np.arange(n) < n_wrong
    table = pd.DataFrame({"text": [" ".join(one) + "." for one in chosen], "label": np.where(wrong, 1 - true, true)})
    table["true_label"] = true
    copies = table[wrong].assign(text=[text.upper().replace(".", "!") for text in table["text"][wrong]])
    return pd.concat([table, copies], ignore_index=True)


def recall(table, folder, copies):
    asked = labelscan.settings(model="tfidf", overrides={"folds.copies": copies}, true_label_column="true_label")
    run = labelscan.detect(table, label="label", settings=asked, output=folder / copies)
    folds = run.issues.scores.set_index("example_id")["fold"]
    share = np.mean([folds[str(row)] == folds[str(len(table) - 24 + row)] for row in range(24)])
    return run.summary.against_truth.quality["noise-posterior"].recall, share


def test_wrong_labels_with_copies_beside_them_are_found(tmp_path):
    table = texts()
    (near, near_share), (exact, exact_share) = (recall(table, tmp_path, copies) for copies in ("near", "exact"))
    assert (near_share, exact_share < 0.6) == (1.0, True)
    assert near > exact + 0.3


def test_few_texts_and_pairs_of_copies_are_no_chain(tmp_path):
    notes = []
    table = texts(14, 1)[["text", "label"]]
    asked = labelscan.settings(model="tfidf", text_column=["text"])
    labelscan.detect(table, label="label", settings=asked, output=tmp_path / "run", notify=notes.append)
    assert not [one for one in notes if "chains" in str(one)]


def test_copies_with_different_labels_are_reported_unless_copies_are_off(tmp_path):
    table = texts()[["text", "label"]]
    table.loc[len(table) - 1, "label"] = 1 - table["label"].iloc[-1]
    for copies, n_conflicts in (("near", 1), ("off", 0)):
        asked = labelscan.settings(model="tfidf", overrides={"folds.copies": copies})
        run = labelscan.detect(table, label="label", settings=asked, output=tmp_path / copies)
        assert run.summary.n_label_conflicts == n_conflicts
    assert run.summary.n_scored == len(table)
