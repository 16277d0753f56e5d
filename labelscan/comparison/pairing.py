"""The scores of two runs joined by example id, with a category for what became of each example between them."""

import numpy as np
import pandas as pd

from labelscan.errors import UsageError
from labelscan.results.issues import SCORED, TEXT_COLUMNS
from labelscan.results.run import FinishedRun

SIDES = ("first", "second")
"""The suffixes of the columns of the two runs, after an underscore."""
BOTH, ONLY_FIRST, ONLY_SECOND = "flagged_by_both", "flagged_by_first", "flagged_by_second"
NEITHER = "flagged_by_neither"
FIXED, STILL_FLAGGED, NEWLY_FLAGGED, NEVER_FLAGGED = "fixed", "still_flagged", "newly_flagged", "never_flagged"
FLAGGED = (BOTH, ONLY_FIRST, ONLY_SECOND)
COMPARED = (*FLAGGED, NEITHER)
"""Examples with the same label in both runs, scored in both: flags and rankings are compared on these."""
ALIKE = (NEITHER, "scored_by_neither")
"""Examples that need no look."""
CATEGORIES = (
    *COMPARED,
    *(FIXED, STILL_FLAGGED, NEWLY_FLAGGED, NEVER_FLAGGED),
    *("scored_by_first", "scored_by_second", "scored_by_neither"),
    *("only_in_first", "only_in_second"),
)
"""Each example is in one of them: the four of ``COMPARED``; scored in both runs, but with another label in the second;
in both, but without a score in one or both; in one run only."""


def join(first: FinishedRun, second: FinishedRun) -> pd.DataFrame:
    """Return the scores of two runs side by side, one row for each example of either, in the order of their ids.

    The columns of scores.csv end in ``_first`` and ``_second``; where a run does not have an example, texts are empty
    and numbers missing. Added are ``category`` and, for each run, whether it has the example (``present``), a score
    of it (``scored``), and a flag on it (``flagged``).

    Raises:
        UsageError: they have no example in common.
    """
    tables = [run.issues.scores for run in (first, second)]
    ids = [set(table["example_id"]) for table in tables]
    if not ids[0] & ids[1]:
        shown = [min(each) for each in ids]
        raise UsageError(
            "nothing-in-common",
            f"the runs have no example in common: {shown[0]!r} is one of the first, {shown[1]!r} of the second",
            where=f"{first.folder} and {second.folder}",
            hint="compare runs on versions of one data set; examples are joined by their example_id",
        )
    # An index of objects: a name that is not UTF-8 fits no other type of text.
    index = pd.Index(sorted(ids[0] | ids[1]), dtype=object, name="example_id")
    sides = []
    for table, side in zip(tables, SIDES, strict=True):
        rows = table.set_axis(pd.Index(table["example_id"], dtype=object)).drop(columns="example_id")
        joined = rows.assign(present=True).reindex(index)
        joined = joined.fillna(dict.fromkeys([name for name in TEXT_COLUMNS if name in joined], ""))
        truths = {name: joined[name].eq(True).to_numpy(bool) for name in ("present", "flagged")}
        sides.append(joined.assign(**truths, scored=joined["status"] == SCORED).add_suffix(f"_{side}"))
    pairs = pd.concat(sides, axis=1).reset_index()
    return pairs.assign(category=_categories(pairs))


def _categories(pairs: pd.DataFrame) -> pd.Categorical:
    in_first, in_second, by_first, by_second, flag_first, flag_second = (
        pairs[f"{name}_{side}"].to_numpy(bool) for name in ("present", "scored", "flagged") for side in SIDES
    )
    same = (pairs["given_label_first"] == pairs["given_label_second"]).to_numpy(bool)
    # The first condition that holds decides, so each may rely on those before it.
    cases = {
        "only_in_first": ~in_second,
        "only_in_second": ~in_first,
        "scored_by_neither": ~by_first & ~by_second,
        "scored_by_first": ~by_second,
        "scored_by_second": ~by_first,
        BOTH: same & flag_first & flag_second,
        ONLY_FIRST: same & flag_first,
        ONLY_SECOND: same & flag_second,
        NEITHER: same,
        STILL_FLAGGED: flag_first & flag_second,
        FIXED: flag_first,
        NEWLY_FLAGGED: flag_second,
        NEVER_FLAGGED: np.ones(len(pairs), dtype=bool),
    }
    names = np.select(list(cases.values()), [np.array(name, dtype=object) for name in cases])
    return pd.Categorical(names, categories=list(CATEGORIES), ordered=True)
