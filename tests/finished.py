"""A finished run of ten labels of two classes, made up by hand: four flagged, one without a score."""

from pathlib import Path

import numpy as np
import pandas as pd

from labelscan.results.issues import NUMBER_COLUMNS, SCORE_COLUMNS, TEXT_COLUMNS, Issues
from labelscan.results.run import FinishedRun
from labelscan.results.summary import ClassHealth, Summary
from labelscan.results.wrong_labels import WrongLabels
from labelscan.runs.record import Described, RunRecord

N_FLAGGED = 4
ERROR_PROBABILITY = (1.0, 0.9, 0.8, 0.7, 0.4, 0.2, 0.0, 0.0, 0.0, np.nan)


def a_record(**changes) -> RunRecord:
    """Return the record of a finished run; ``changes`` take the place of what it says."""
    said = {"state": "finished", "started": "2026-01-01T00:00:00", "directory": "", "settings": {}}
    said |= {"results_depend_on": {"command": "detect"}}
    said |= {"data": Described(fingerprint="abc", kind="images", examples=10, classes=2)}
    return RunRecord(**(said | changes))


def a_class(name: str, **changes) -> ClassHealth:
    counts = {"n_examples": 5, "n_scored": 5, "n_flagged": 0, "flagged_rate": 0.0}
    counts |= {"estimated_wrong_labels": 0.0, "out_of_fold_agreement": 1.0}
    return ClassHealth(class_name=name, **(counts | changes))


def a_found(**changes) -> Summary:
    """Return the summary of the run; ``changes`` take the place of what it says."""
    counts = {"n_examples": 10, "n_scored": 9, "n_unscored": 0, "n_unreadable": 1, "n_classes": 2}
    estimates = {"estimated_wrong_labels": 4.0, "estimated_noise_rate": 0.4, "out_of_fold_agreement": 0.8}
    said = {
        "data": "pets",
        "detector": "noise-posterior",
        "n_flagged": N_FLAGGED,
        "flagged_by": {"confident-learning": 3, "noise-posterior": N_FLAGGED},
        "flagged_by_all": 3,
        "wrong_labels": some_wrong(),
        "chance_agreement": 0.5,
        "learned_nothing": False,
        "warnings": (),
        "notes": (),
        "against_truth": None,
        "confused_pairs": (),
        "class_health": (a_class("cat"), a_class("dog")),
        "n_label_conflicts": 0,
        "label_conflicts": (),
        "noise_matrix": None,
    }
    return Summary(**(counts | estimates | said | changes))


def some_wrong(**changes) -> WrongLabels:
    said = {"estimate": 4.0, "low": 2.0, "high": 5.0, "share": 0.4, "share_low": 0.2, "share_high": 0.5}
    said |= {"source": "one opinion", "n_decided": 0, "precision": None, "found": None, "worth_a_look": None}
    return WrongLabels(**({**said, "decisions_to_halve": None} | changes))


def a_run(folder: Path = Path("run"), *, summary=(), record=()) -> FinishedRun:
    """Return the run; what is given takes the place of what its summary and its record say."""
    table = {name: [""] * 10 if name in TEXT_COLUMNS else [0.5] * 10 for name in SCORE_COLUMNS}
    table |= {
        "rank": pd.array([*range(1, 10), None], dtype="Int64"),
        "example_id": [f"{row}.png" for row in range(10)],
        "given_label": ["cat", "dog"] * 5,
        "suggested_label": ["dog", "cat"] * 5,
        "error_probability": ERROR_PROBABILITY,
        "self_confidence": [*np.linspace(0.1, 0.9, 9), np.nan],
        "flagged_by": ["confident-learning|noise-posterior"] * 3 + ["noise-posterior"] + [""] * 6,
        "flagged": np.arange(10) < N_FLAGGED,
        "status": ["scored"] * 9 + ["unreadable: truncated"],
    }
    scores = pd.DataFrame({name: pd.Series(values) for name, values in table.items()})
    assert set(NUMBER_COLUMNS) < set(scores.columns)
    return FinishedRun(
        folder=folder,
        record=a_record(**dict(record)),
        summary=a_found(**dict(summary)),
        issues=Issues(scores),
    )
