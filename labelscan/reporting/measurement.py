"""What a page needs to measure how many labels are wrong: which to decide, and how likely each label is wrong.

What decisions say is worked out in the browser as they are made (``assets/interval.js`` and ``posterior.js``). It needs
the log-odds of all labels only by bins, their ranks only by stretches of the ranking, and of the strata only how many
labels of each are listed: so a page is as small for a million labels.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.arrays import as_strings
from labelscan.detection.decisions.decided_labels import Bins
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.errors import RunFolderError
from labelscan.files.npz import read_arrays, read_texts
from labelscan.files.reading import CANNOT_READ, why
from labelscan.reporting.page import Measurement, Record, Suspect, records
from labelscan.results.run import FinishedRun
from labelscan.runs.files import FRESH, LOG_ODDS_FILE, MEASURE_FILE

LOG_ODDS_ARRAYS = ("error_log_odds", "stratum", "number_by_agreement")
MOST_TO_DECIDE = 100
"""How many labels a page offers to decide, with pictures; measure.csv has more."""
STRETCHES_OF_THE_LIST, STRETCHES_BEYOND = 20, 30
"""How many points a curve over the ranking has within the flagged labels, and after them."""


def read_sample(run: FinishedRun) -> list[Record]:
    """Return the scores of the labels to decide, in order; none where the run has lost their file.

    Raises:
        RunFolderError: the file is damaged, or about other labels.
    """
    path = run.folder / MEASURE_FILE
    if not path.is_file() or not (run.folder / LOG_ODDS_FILE).is_file():
        return []
    for name in (MEASURE_FILE, LOG_ODDS_FILE):
        run.record.check_intact(run.folder, name)
    try:
        # A carriage return inside a cell is part of it.
        ids = pd.read_csv(path, dtype=object, keep_default_na=False, encoding="utf-8", lineterminator="\n")
        first = pd.Index(ids["example_id"].head(MOST_TO_DECIDE), dtype=object)
    except (*CANNOT_READ, KeyError) as error:
        problem = f"is not the sample of a run ({why(error)})"
        raise RunFolderError("damaged", problem, where=str(path), hint=FRESH) from error
    scores = run.issues.scores
    rows = pd.Index(scores["example_id"], dtype=object).get_indexer(first)
    if (rows < 0).any():
        raise RunFolderError("damaged", "is not about the labels of scores.csv", where=str(path), hint=FRESH)
    return records(scores, rows.tolist())


def make_measurement(run: FinishedRun, to_decide: Sequence[Suspect], others: Iterable[Suspect]) -> Measurement | None:
    """Return what the page needs, for the labels ``to_decide`` and ``others`` that it shows; None without the former.

    Raises:
        RunFolderError: the log-odds of the run cannot be read, or belong to other labels.
    """
    if not to_decide:
        return None
    ids, log_odds, strata, number_by_agreement = _log_odds(run)
    bins = Bins.of(log_odds)
    scores = run.issues.scores
    ranked = scores.loc[scores["rank"].notna().to_numpy(), ["rank", "example_id", "flagged"]].sort_values("rank")
    rows = pd.Index(ids).get_indexer(pd.Index(ranked["example_id"], dtype=object))
    if len(rows) != len(ids) or (rows < 0).any():
        where = str(run.folder / LOG_ODDS_FILE)
        raise RunFolderError("damaged", "is not about the labels of scores.csv", where=where, hint=FRESH)
    n_flagged = int(ranked["flagged"].sum())
    shown = {one.example_id: rows[one.rank - 1] for one in (*to_decide, *others)}
    listed = np.arange(len(rows)) < n_flagged
    cells, sizes = np.unique(np.column_stack([strata[rows], listed]), axis=0, return_counts=True)
    numbered = zip(cells.tolist(), sizes.tolist(), strict=True)
    return Measurement(
        to_decide=tuple(to_decide),
        centres=tuple(bins.centres.tolist()),
        stretches=_stretches(bins.of_example[rows], n_flagged),
        error_odds={name: (float(log_odds[row]), int(bins.of_example[row])) for name, row in shown.items()},
        cells=tuple((stratum, bool(is_listed), size) for (stratum, is_listed), size in numbered if stratum >= 0),
        strata={name: int(strata[row]) for name, row in shown.items()},
        number_by_agreement=number_by_agreement,
        is_rescored=bool(run.record.decisions and run.record.decisions.number),
    )


def _stretches(bin_by_rank: NDArray[np.int64], n_flagged: int) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
    """Return all labels in the order of their ranks, in stretches of which one ends with the last flagged label."""
    n = len(bin_by_rank)
    within = np.linspace(0, n_flagged, STRETCHES_OF_THE_LIST + 1)
    beyond = np.geomspace(max(n_flagged, 1), n, STRETCHES_BEYOND + 1)
    ends = np.unique(np.concatenate([within, beyond]).round().astype(np.int64))
    ends = ends[ends > 0]
    stretches = []
    for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        numbers, sizes = np.unique(bin_by_rank[start:end], return_counts=True)
        stretches.append((end, tuple(zip(numbers.tolist(), sizes.tolist(), strict=True))))
    return tuple(stretches)


def _log_odds(run: FinishedRun) -> tuple[NDArray[np.object_], NDArray[np.float64], NDArray[np.int64], float | None]:
    """Return the ids of all scored examples, the log-odds that their labels are wrong, their strata, and how many are
    wrong by the agreement of models."""
    path = run.folder / EVIDENCE_FILE
    try:
        ids = as_strings(read_texts(path, "example_ids"))  # and no other array of it: evidence has large ones
        path = run.folder / LOG_ODDS_FILE
        log_odds, strata, number = read_arrays(path, LOG_ODDS_ARRAYS).values()
    except CANNOT_READ as error:
        raise RunFolderError("unreadable", f"cannot be read ({why(error)})", where=str(path), hint=FRESH) from error
    is_whole = log_odds.shape == strata.shape == ids.shape and (log_odds.dtype.kind, strata.dtype.kind) == ("f", "i")
    if not is_whole or not np.isfinite(log_odds).all() or number.shape:
        raise RunFolderError("damaged", "is not one number a label", where=str(path), hint=FRESH)
    agreed = None if np.isnan(number) else float(number)
    return ids, log_odds.astype(np.float64), strata.astype(np.int64), agreed
