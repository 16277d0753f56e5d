"""Known wrong labels in tables and texts: labelscan's defaults beside the usual model with cleanlab.

    python tests/bench/usual_models.py NAME=FILE ... [--noise symmetric:0.1 ...] [--seeds 0,1,2]

A FILE is a CSV with a column `label`, and for texts a column `text`. Errors are planted in its labels, unless it has
true labels in a column `true_label`; look-alike errors follow ridge regression or naive Bayes on the labels as they
are. The usual way is HistGradientBoosting with ordinal categories for tables, TF-IDF of words and logistic regression
for texts, with scikit-learn's stratified folds, cross_val_predict and cleanlab.filter. Prints one Markdown table.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from judgement import best_cut
from numpy.typing import NDArray
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

import labelscan
from labelscan.config import DatasetConfig
from labelscan.data import readers
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Texts
from labelscan.detection.metrics import quality
from labelscan.noise.plant import needs_pred_probs, plant

FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")
HEADERS = ("data", "errors", "wrong", "labelscan", "AP", "best cut", "flagged", "seconds", "usual", "best filter", "s")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--noise", action="append", default=[])
    parser.add_argument("--seeds", default="0")
    arguments = parser.parse_args()
    print(f"| {' | '.join(HEADERS)} |\n|{' --- |' * len(HEADERS)}")
    for name, _, file in (one.partition("=") for one in arguments.files):
        dataset = readers.read(DatasetConfig(data=file))
        for noise in ["real"] if dataset.true_labels is not None else arguments.noise:
            for seed in map(int, arguments.seeds.split(",")):
                print(
                    f"| {name} | {noise}, seed {seed} | {row_of(with_errors(dataset, noise, seed), seed)} |", flush=True
                )


def with_errors(dataset: Dataset, noise: str, seed: int) -> Dataset:
    """Return the data set with planted errors, and its labels as they were as the true ones."""
    if noise == "real":
        return dataset
    true, n_classes = dataset.given_labels, len(dataset.class_names)
    given = true
    if noise != "none":
        planter = "bayes" if isinstance(dataset.inputs, Texts) else "ridge"
        pred_probs = detect(dataset, 9, model=[planter]).evidence.pred_probs if needs_pred_probs(noise) else None
        given = plant(true, n_classes, noise, seed, pred_probs=pred_probs)
    return dataclasses.replace(dataset, given_labels=given, true_labels=true, true_class_names=dataset.class_names)


def row_of(dataset: Dataset, seed: int) -> str:
    """Return the cells of one row: what labelscan finds, then what the usual way does."""
    assert dataset.true_labels is not None
    started = time.monotonic()
    run = detect(dataset, seed)
    seconds = time.monotonic() - started
    true = np.array(dataset.true_class_names)[dataset.true_labels]
    wrong = np.array(dataset.class_names)[dataset.given_labels] != true
    scores = run.issues.scores.set_index("example_id").loc[list(dataset.example_ids)]
    flagged = scores["flagged"].to_numpy(bool)
    label_quality = scores["label_quality"].fillna(1).to_numpy(float)
    found = quality(flagged, label_quality, wrong)
    started = time.monotonic()
    usual = usual_way(dataset, seed)
    f1 = {name: quality(mask, mask * -1.0, wrong).f1 for name, mask in usual.items()}
    best = max(f1, key=f1.__getitem__)
    cells = (
        f"{wrong.mean():.3f}",
        f"{found.f1:.3f}",
        f"{found.average_precision or 0:.3f}",
        f"{best_cut(label_quality, wrong):.3f}",
        f"{flagged.mean():.3f}",
        f"{seconds:.0f}",
        f"{f1['prune_by_noise_rate']:.3f}",
        f"{f1[best]:.3f} {best}",
        f"{time.monotonic() - started:.0f}",
    )
    return " | ".join(cells)


def detect(dataset: Dataset, seed: int, **settings: object) -> labelscan.Run:
    with tempfile.TemporaryDirectory() as folder:
        return labelscan.detect(
            dataset, settings=labelscan.settings(seed=seed, **settings), output=Path(folder) / "run"
        )


def usual_way(dataset: Dataset, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Return (N,) flags by cleanlab's filters on out-of-fold probabilities of the usual model."""
    inputs, labels = dataset.inputs, dataset.given_labels
    if isinstance(inputs, Texts):
        rows, model = inputs.texts, make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    else:
        boosting = HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
        assert isinstance(inputs, ColumnTable | FeatureTable)
        rows, model = (inputs.features, boosting) if isinstance(inputs, FeatureTable) else (inputs.frame, None)
        if model is None:
            encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
            numbers = make_column_selector(dtype_include=["number", "bool"])
            others = make_column_selector(dtype_exclude=["number", "bool", "datetime"])
            model = make_pipeline(make_column_transformer((encoder, others), ("passthrough", numbers)), boosting)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probs = cross_val_predict(model, rows, labels, cv=folds, method="predict_proba")
    return {name: find_label_issues(labels, probs, filter_by=name, n_jobs=1) for name in FILTERS}


if __name__ == "__main__":
    main()
