"""What becomes of each label: the flags of a run and the decisions of a reviewer, combined.

A decision wins over a flag. ``label_lists`` writes the changes into a copy of the data.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from labelscan.correction.decisions import VERDICTS, Decision, Verdict
from labelscan.data.dataset import Dataset
from labelscan.errors import ConfigError, DecisionsError, Problem, nearest_name
from labelscan.files.atomic import replacing

COLUMNS = {
    "example_id": "as in issues.csv",
    "action": "`relabel` or `drop`",
    "old_label": "as delivered",
    "new_label": "empty where the example is dropped",
    "error_probability": "as in issues.csv",
    "reason": "`decision` or `flag`",
    "time": "when it was decided, or the run that flagged it ended",
}
"""The columns of the log of changes, with what is in them."""
Action = Literal["relabel", "drop"]
Reason = Literal["decision", "flag"]


@dataclass(frozen=True, slots=True)
class FlagRule:
    """What is done with flagged labels that no reviewer has decided about."""

    action: Action
    min_error_probability: float | None = None
    """Flags below it are left alone; needed to relabel, since a model alone is trusted only where it is certain."""


@dataclass(frozen=True, slots=True)
class Change:
    """A label that is replaced, or an example that is dropped."""

    example_id: str
    action: Action
    old_label: str
    new_label: str
    """Empty where the example is dropped."""
    error_probability: float | None
    reason: Reason
    time: str
    """When the reviewer decided, or when the run that flagged it ended; ISO 8601, empty where unknown."""


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """What becomes of N labels."""

    n_examples: int
    changes: Mapping[str, Change]
    """By example id; all other labels stay."""
    verdicts: Mapping[Verdict, int]
    """The number of decisions of each kind."""

    def new_label(self, example_id: str) -> str:
        """Return the new label of an example, empty where it keeps its own."""
        return self.changes[example_id].new_label if example_id in self.changes else ""

    def is_dropped(self, example_id: str) -> bool:
        """Return whether an example is dropped."""
        return example_id in self.changes and self.changes[example_id].action == "drop"

    def kept_rows(self, dataset: Dataset) -> list[int]:
        """Return the rows of the examples that stay."""
        return [row for row, one in enumerate(dataset.example_ids) if not self.is_dropped(one)]

    def labels_of(self, dataset: Dataset) -> list[str]:
        """Return N labels, corrected where they change."""
        return [
            self.new_label(example_id) or dataset.class_names[label]
            for example_id, label in zip(dataset.example_ids, dataset.given_labels.tolist(), strict=True)
        ]

    def count(self, action: Action, reason: Reason | None = None) -> int:
        """Return the number of changes of a kind."""
        return sum(one.action == action and reason in (None, one.reason) for one in self.changes.values())

    def pairs(self) -> list[tuple[str, str, int]]:
        """Return old label, new label and count of what is relabelled, most frequent first."""
        counts = Counter((one.old_label, one.new_label) for one in self.changes.values() if one.action == "relabel")
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(old, new, count) for (old, new), count in ranked]

    def write_log(self, path: Path) -> None:
        """Write all changes as CSV, most likely wrong first."""
        with replacing(path) as file:
            rows = csv.writer(file)  # lines end as RFC 4180 has it
            rows.writerow(COLUMNS)
            for one in self.changes.values():
                sure = "" if one.error_probability is None else f"{one.error_probability:.6g}"
                rows.writerow((one.example_id, one.action, one.old_label, one.new_label, sure, one.reason, one.time))


def is_log(path: Path) -> bool:
    """Return whether a file was written by ``write_log``."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        header = ",".join(COLUMNS)
        return file.readline(len(header) + 1).rstrip("\n") == header


def flag_rule(*, drop: bool, relabel: bool, min_error_probability: float | None) -> FlagRule | None:
    """Return the rule for flags, None where they are ignored, or raise ConfigError for options that contradict."""
    least, where = min_error_probability, "min_error_probability"
    if drop and relabel:
        problem = "flagged labels are dropped or relabelled, not both"
        raise ConfigError("flags-conflict", problem, where="drop", hint="leave one out")
    if not drop and not relabel:
        if least is None:
            return None
        problem = "has no effect: nothing is done with flags"
        raise ConfigError("flag-without-effect", problem, where=where, hint="add drop or relabel")
    if least is not None and not 0 <= least <= 1:
        raise ConfigError("out-of-range", f"must be between 0 and 1, got {least:g}", where=where)
    if least is None and relabel:
        problem = "labels are not replaced without knowing from which probability on"
        hint = "as --min-error-probability 0.9: what is wrong with at least this probability is replaced"
        raise ConfigError("no-error-probability", problem, where=where, hint=hint)
    return FlagRule("drop" if drop else "relabel", least)


def correct(
    scores: pd.DataFrame,
    *,
    decisions: Sequence[Decision] = (),
    rule: FlagRule | None = None,
    flagged_at: str = "",
) -> Corrections:
    """Return what becomes of each label of a run, changes in the order of its ranking.

    ``scores`` of a finished run have one row an example, ``decisions`` are at most one each, and ``flagged_at`` is when
    the run ended, for the log.
    """
    decided = {one.example_id: one for one in decisions}
    changes: dict[str, Change] = {}
    columns = ("example_id", "given_label", "suggested_label", "error_probability", "flagged")
    for example_id, old, suggested, probability, flagged in zip(*(scores[name] for name in columns), strict=True):
        sure = None if probability != probability else float(probability)
        reason: Reason = "decision" if example_id in decided else "flag"
        wanted: str | None = None  # drop, relabel, or what changes nothing
        if (decision := decided.get(example_id)) is not None:
            wanted, new, time = decision.verdict, decision.new_label, decision.time
        elif rule is not None and flagged:
            least = rule.min_error_probability
            is_sure = least is None or (sure is not None and sure >= least)
            wanted, new, time = rule.action if is_sure else None, suggested, flagged_at
        if wanted == "drop":
            changes[example_id] = Change(example_id, "drop", old, "", sure, reason, time)
        elif wanted == "relabel" and new != old:
            changes[example_id] = Change(example_id, "relabel", old, new, sure, reason, time)
    counts = Counter(one.verdict for one in decisions)
    verdicts = {verdict: counts[verdict] for verdict in VERDICTS}
    return Corrections(n_examples=len(scores), changes=changes, verdicts=verdicts)


def check_new_labels(decisions: Sequence[Decision], class_names: Sequence[str], *, where: str, hint: str) -> None:
    """Raise DecisionsError, up to 20 problems at once, where a new label is not one of the classes."""
    known = set(class_names)

    def problem(one: Decision) -> Problem:
        nearest = nearest_name(one.new_label, class_names)
        remedy = f"did you mean {nearest!r}? {hint}" if nearest else hint
        return Problem("unknown-class", f"{one.new_label!r}, for {one.example_id!r}, is not a class", where, remedy)

    unknown = [one for one in decisions if one.verdict == "relabel" and one.new_label not in known]
    DecisionsError.refuse(unknown, problem)
