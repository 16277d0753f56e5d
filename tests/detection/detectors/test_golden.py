"""Flags and error probabilities as they were when last reviewed, on out-of-fold probabilities that stay as they are.

``make golden`` renews what the detectors say, not the probabilities: these are made again only where their file is
missing, so that neither a new formula nor a new scikit-learn changes what is judged.
"""

import csv
import io
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from plain_noise_posterior import reference
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from tiny_run import evidence_of

from labelscan.detection.detectors import DETECTORS
from labelscan.detection.detectors.confident_learning import FilterBy
from labelscan.detection.detectors.noise_posterior import NoisePosterior
from labelscan.detection.evidence import Evidence

PROBS = Path(__file__).parents[2] / "golden" / "digits-probs.csv"
"""A row an example: given and true label, and its probabilities as whole numbers of 1 / UNIT."""
JUDGED = "digits-judged.csv"
UNIT = 10_000
N_EXAMPLES, N_CLASSES = 600, 10
SIMILAR_CLASSES = {1: 8, 8: 1, 3: 9, 9: 3, 4: 7, 7: 4}
FILTERS = get_args(FilterBy)


def make_probs() -> str:
    """Return the content of the file: 600 blurred digits, every tenth under a wrong label of a similar class or any."""
    generator = np.random.default_rng(0)
    digits = load_digits()
    rows = generator.permutation(len(digits.target))[:N_EXAMPLES]
    true_labels = digits.target[rows]
    given_labels = true_labels.copy()
    for position, row in enumerate(generator.permutation(N_EXAMPLES)[: N_EXAMPLES // 10]):
        uniform = (true_labels[row] + generator.integers(1, N_CLASSES)) % N_CLASSES
        given_labels[row] = SIMILAR_CLASSES.get(int(true_labels[row]), uniform) if position % 2 else uniform
    features = digits.data[rows] / 16 + generator.normal(scale=0.35, size=(N_EXAMPLES, 64))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = LogisticRegression(C=0.3, max_iter=1000)
    probs = cross_val_predict(model, features, given_labels, cv=folds, method="predict_proba")
    header = ["given_label", "true_label", *(f"p{label}" for label in range(N_CLASSES))]
    units = np.column_stack([given_labels, true_labels, np.rint(probs * UNIT).astype(int)])
    return "".join(",".join(map(str, line)) + "\n" for line in [header, *units.tolist()])


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    if request.config.getoption("--golden") and not PROBS.exists():
        PROBS.write_text(make_probs(), encoding="utf-8", newline="")
    table = np.loadtxt(PROBS, delimiter=",", skiprows=1, dtype=np.int64)
    return evidence_of(table[:, 2:] / UNIT, table[:, 0])


def alike(text: str, other: str) -> bool:
    """Return whether flags are the same, and error probabilities up to their tenth digit, where processors differ."""
    first, second = (list(csv.reader(io.StringIO(each))) for each in (text, other))
    same_flags = [row[:-1] for row in first] == [row[:-1] for row in second]
    errors = [np.array([float(row[-1]) for row in rows[1:]]) for rows in (first, second)]
    return same_flags and np.allclose(errors[0], errors[1], rtol=0, atol=2e-10)


def test_every_filter_and_noise_posterior_judge_as_reviewed(evidence: Evidence, golden) -> None:
    judges = {name: f"confident-learning:filter_by={name}" for name in FILTERS} | {"noise-posterior": "noise-posterior"}
    detections = {name: DETECTORS.build(judge).detect(evidence) for name, judge in judges.items()}
    flags = [detection.flagged.astype(int).tolist() for detection in detections.values()]
    error_probability = detections["noise-posterior"].error_probability
    assert error_probability is not None
    lines = [["row", *judges, "error_probability"]]
    for row, values in enumerate(zip(*flags, strict=True)):
        lines.append([str(row), *map(str, values), f"{error_probability[row]:.10f}"])
    golden(JUDGED, "".join(",".join(line) + "\n" for line in lines), alike=alike)


def test_the_judges_do_not_flag_the_same(evidence: Evidence) -> None:
    """Else the golden file could not tell one filter from another."""
    names = [*(f"confident-learning:filter_by={name}" for name in FILTERS), "noise-posterior"]
    flags = {tuple(np.flatnonzero(DETECTORS.build(name).detect(evidence).flagged)) for name in names}
    assert len(flags) == len(names)


def test_noise_posterior_agrees_with_its_plain_formulas(evidence: Evidence) -> None:
    detection = NoisePosterior().detect(evidence)
    plain = reference(evidence.pred_probs, evidence.given_labels)
    np.testing.assert_allclose(detection.error_probability, plain["error_probability"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(detection.noise_matrix, plain["noise_matrix"], rtol=0, atol=1e-7)
    np.testing.assert_array_equal(detection.flagged, plain["flagged"])
