"""Flags and error probabilities as they were when last reviewed, on out-of-fold probabilities that stay as they are.

``make golden`` renews what the detectors say, not the probabilities: no new scikit-learn changes what is judged.
They are those of a logistic regression, by 5 folds, on 600 blurred digits, of which every tenth has a wrong label: in
turn any, and that of a similar class.
"""

import csv
import io
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from tiny_run import evidence_of

from labelscan.detection.detectors import DETECTORS
from labelscan.detection.detectors.confident_learning import FilterBy
from labelscan.detection.evidence import Evidence

PROBS = Path(__file__).parents[2] / "golden" / "digits-probs.csv"
"""A row an example: given and true label, and its probabilities as whole numbers of 1 / UNIT."""
JUDGED = "digits-judged.csv"
UNIT = 10_000
FILTERS = get_args(FilterBy)


@pytest.fixture
def evidence() -> Evidence:
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
    assert len(set(map(tuple, flags))) == len(judges), "or else the file could not tell one filter from another"
    error_probability = detections["noise-posterior"].error_probability
    lines = [["row", *judges, "error_probability"]]
    for row, values in enumerate(zip(*flags, strict=True)):
        lines.append([str(row), *map(str, values), f"{error_probability[row]:.10f}"])
    golden(JUDGED, "".join(",".join(line) + "\n" for line in lines), alike=alike)
