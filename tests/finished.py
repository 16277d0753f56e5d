"""A finished run of ten labels of two classes, made up by hand: four flagged, one without a score."""

from pathlib import Path

import numpy as np
import pandas as pd

from labelscan.results.issues import NUMBER_COLUMNS, SCORE_COLUMNS, TEXT_COLUMNS, Issues
from labelscan.results.run import FinishedRun

N_FLAGGED = 4
ERROR_PROBABILITY = (1.0, 0.9, 0.8, 0.7, 0.4, 0.2, 0.0, 0.0, 0.0, np.nan)


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
        record={"data": {"fingerprint": "abc", "examples": 10, "classes": 2}, **dict(record)},
        summary={
            "data": "pets",
            "detector": "noise-posterior",
            "n_scored": 9,
            "n_flagged": N_FLAGGED,
            "flagged_by": {"confident-learning": 3, "noise-posterior": N_FLAGGED},
            "flagged_by_all": 3,
            "against_truth": None,
            "self_check": None,
            "warnings": [],
            "class_health": [{"class_name": "cat"}, {"class_name": "dog"}],
            **dict(summary),
        },
        issues=Issues(scores),
    )
