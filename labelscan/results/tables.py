"""issues.csv and scores.csv: for spreadsheets, scripts and ``diff``."""

from pathlib import Path

import numpy as np
import pandas as pd

from labelscan.errors import RunFolderError
from labelscan.results.issues import ISSUES_FILE, NUMBER_COLUMNS, SCORE_COLUMNS, SCORES_FILE, TRUE_LABEL, Issues
from labelscan.results.run_files import FRESH
from labelscan.tables import write_csv


def write_issues(issues: Issues, run_folder: Path) -> None:
    """Write issues.csv, what is flagged, and scores.csv, every example; both most doubtful first."""
    write_csv(issues.flagged, run_folder / ISSUES_FILE)
    write_csv(issues.scores, run_folder / SCORES_FILE)


def read_scores(path: Path) -> Issues:
    """Return the table in a scores.csv, whose numbers have 6 significant digits.

    Raises:
        RunFolderError: the file is missing, or not a scores.csv.
    """
    try:
        scores = pd.read_csv(
            path,
            dtype=object,
            keep_default_na=False,
            encoding="utf-8",
            lineterminator="\n",  # a carriage return inside a cell is part of it
        )
        if tuple(scores.columns) not in (SCORE_COLUMNS, (*SCORE_COLUMNS, TRUE_LABEL)):
            raise ValueError(f"its columns are {', '.join(map(str, scores.columns))}")
        for name in NUMBER_COLUMNS:
            scores[name] = np.array([float(text) if text else np.nan for text in scores[name]])
        scores["rank"] = pd.array([int(text) if text else None for text in scores["rank"]], dtype="Int64")
        scores["flagged"] = scores["flagged"].to_numpy() == "true"
    except (OSError, ValueError) as error:
        raise RunFolderError(f"is not the table of scores of a run ({error})", where=str(path), hint=FRESH) from error
    return Issues(scores)
