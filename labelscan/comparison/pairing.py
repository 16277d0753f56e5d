"""The scores of two runs brought together by example id, and what can have become of an example between them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.arrays import Mask, Strings, as_strings
from labelscan.errors import UsageError
from labelscan.results.finished_run import FinishedRun
from labelscan.results.issues import SCORED, TRUE_LABEL

BOTH, ONLY_FIRST, ONLY_SECOND = "flagged_by_both", "flagged_by_first", "flagged_by_second"
FIXED, STILL_FLAGGED, NEWLY_FLAGGED, NEVER_FLAGGED = "fixed", "still_flagged", "newly_flagged", "never_flagged"
ALIKE = ("flagged_by_neither", "scored_by_neither")
"""Categories in which there is nothing to look at."""
CATEGORIES = (
    *(BOTH, ONLY_FIRST, ONLY_SECOND, "flagged_by_neither"),
    *(FIXED, STILL_FLAGGED, NEWLY_FLAGGED, NEVER_FLAGGED),
    *("scored_by_first", "scored_by_second", "scored_by_neither"),
    *("only_in_first", "only_in_second"),
)
"""Each example is in one of them. The first four: scored in both runs, with the same label. The next four: scored in
both, with another label in the second. Then: in both, but without a score in one or both. At last: in one run only."""


@dataclass(frozen=True, eq=False)
class Pair:
    """The scores of two runs, row by row for the same M examples: all that are in either."""

    example_ids: Strings
    tables: tuple[pd.DataFrame, pd.DataFrame]
    """What a run does not have is missing in its rows; texts are empty."""
    present: tuple[Mask, Mask]

    @property
    def scored(self) -> tuple[Mask, Mask]:
        """Return (M,) whether an example has a score, for each run."""
        first, second = ((table["status"] == SCORED).to_numpy(bool) for table in self.tables)
        return first, second

    @property
    def flagged(self) -> tuple[Mask, Mask]:
        """Return (M,) whether an example is flagged, for each run."""
        first, second = (table["flagged"].eq(True).to_numpy(bool) for table in self.tables)
        return first, second

    @property
    def same_label(self) -> Mask:
        """Return (M,) whether both runs have an example, under the same label."""
        first, second = (table["given_label"].to_numpy() for table in self.tables)
        same: Mask = (first == second) & self.present[0] & self.present[1]
        return same

    @property
    def compared(self) -> Mask:
        """Return (M,) whether both runs have judged the same label."""
        return self.same_label & self.scored[0] & self.scored[1]

    def categories(self) -> NDArray[np.object_]:
        """Return (M,) the category of each example."""
        (in_first, in_second), (by_first, by_second), same = self.present, self.scored, self.same_label
        flag_first, flag_second = self.flagged
        flags = [flag_first & flag_second, flag_first, flag_second]
        judged = [*(same & flag for flag in flags), same, *flags]
        names = [BOTH, ONLY_FIRST, ONLY_SECOND, "flagged_by_neither", STILL_FLAGGED, FIXED, NEWLY_FLAGGED]
        # The first condition that holds decides, so each may rely on those before it.
        conditions = [~in_second, ~in_first, ~by_first & ~by_second, ~by_second, ~by_first, *judged]
        choices = [
            "only_in_first",
            "only_in_second",
            "scored_by_neither",
            "scored_by_first",
            "scored_by_second",
            *names,
        ]
        return np.select(conditions, [np.array(name, dtype=object) for name in choices], default=NEVER_FLAGGED)


def join(first: FinishedRun, second: FinishedRun) -> Pair:
    """Return the scores of two runs, brought together by example id.

    Raises:
        UsageError: they have no example in common.
    """
    ids = [set(run.issues.scores["example_id"]) for run in (first, second)]
    if not ids[0] & ids[1]:
        shown = [min(each) for each in ids]
        raise UsageError(
            f"the runs have no example in common: {shown[0]!r} is one of the first, {shown[1]!r} of the second",
            where=f"{first.folder} and {second.folder}",
            hint="compare runs on versions of one data set; examples are joined by their example_id",
        )
    example_ids = as_strings(sorted(ids[0] | ids[1]))
    index = pd.Index(example_ids, dtype=object)  # object: a name that is no UTF-8 fits no other type of text
    tables, present = [], []
    for run in (first, second):
        scores = run.issues.scores
        table = scores.drop(columns="example_id").set_axis(pd.Index(scores["example_id"], dtype=object))
        present.append(index.isin(table.index))
        table = table.reindex(index)
        texts = [name for name in ("path", "given_label", "suggested_label", "status", TRUE_LABEL) if name in table]
        tables.append(table.assign(**{name: table[name].where(present[-1], "") for name in texts}))
    return Pair(example_ids, (tables[0], tables[1]), (present[0], present[1]))
