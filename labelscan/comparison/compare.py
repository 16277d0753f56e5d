"""Two finished runs side by side: which labels both flag, which only one does, and how alike their rankings are.

Examples are joined by their id. Where a label has changed between the runs, they judge different things: such
examples have categories of their own (fixed, still flagged, ...), and flags and rankings are compared on the labels
that are the same in both runs and scored by both.

The JSON form is read by scripts: ``format_version`` goes up when a key changes its meaning or goes away.

History of the format:
    1: the first. Since then ``choices``, ``machine``, ``same_results`` and ``explanation`` were added.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from labelscan.comparison.causes import Difference, all_differences, explain, same_results
from labelscan.comparison.pairing import ALIKE, BOTH, COMPARED, FLAGGED, ONLY_FIRST, ONLY_SECOND, SIDES, join
from labelscan.detection.metrics import DetectionQuality, quality
from labelscan.results.issues import SCORED, TRUE_LABEL
from labelscan.results.run import FinishedRun
from labelscan.wording.tables import records, write_csv
from labelscan.wording.words import rounded

FORMAT_VERSION = 1
TOPS = (10, 100)
"""How many of the labels most likely wrong are compared; one more comparison is of as many as the run with fewer flags
has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """One of the two runs."""

    run: str
    """The folder."""
    detector: str
    """The leading detector, whose flags and ranking are compared, with its options."""
    n_examples: int
    n_scored: int
    n_flagged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TopOverlap:
    """How many of the k labels most likely wrong both runs have in common."""

    k: int
    n_common: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TruthComparison:
    """Both runs against the true labels, on the compared labels whose true label is the same in both."""

    n_examples: int
    n_label_errors: int
    flags: pd.DataFrame
    """One row a category of ``FLAGGED``: ``n_flagged``, ``n_label_errors``, and ``precision``, NaN without a flag."""
    first: DetectionQuality
    second: DetectionQuality


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What two runs agree on, and what they do not."""

    first: RunFacts
    second: RunFacts
    settings: tuple[Difference, ...]
    data: tuple[Difference, ...]
    choices: tuple[Difference, ...]
    """What automatic settings became, and the decisions that counted."""
    versions: tuple[Difference, ...]
    machine: tuple[Difference, ...]
    same_results: bool
    """Whether both say the same of every example."""
    explanation: str
    """Why runs with the same settings on the same data differ, or that nothing explains it; empty for other runs."""
    counts: Mapping[str, int]
    """Examples by category, all of ``CATEGORIES``."""
    n_compared: int
    """Labels that are the same in both runs and scored by both; the following fields are about these."""
    jaccard: float | None
    """Labels flagged by both as a share of those flagged by either; None where nothing is flagged."""
    rank_correlation: float | None
    """Spearman's, of label quality; None where a run gives all labels the same."""
    error_probability_correlation: float | None
    top_overlaps: tuple[TopOverlap, ...]
    classes: pd.DataFrame
    """One row a class, those with the most labels that only one run flags first: ``class_name``, ``n_compared``, and
    the categories of ``FLAGGED``."""
    against_truth: TruthComparison | None
    """None unless both runs have true labels."""
    warnings: tuple[str, ...]
    examples: pd.DataFrame
    """All examples by category, in the order of ``CATEGORIES``, most likely wrong in either run first. Columns of the
    runs end in ``_first`` and ``_second``; texts are empty and numbers NaN where a run has none."""

    def differing(self) -> pd.DataFrame:
        """Return the examples on which the runs disagree."""
        return self.examples[~self.examples["category"].isin([BOTH, *ALIKE])]

    def write_csv(self, path: Path) -> None:
        """Write the examples on which the runs disagree."""
        write_csv(self.differing(), path)

    def to_json(self, top: int) -> dict[str, object]:
        """Return all of it with at most ``top`` examples of each category; numbers have 6 significant digits."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "examples"]
        content = {name: _plain(getattr(self, name)) for name in names}
        content["examples"] = {
            category: records(members.head(top).drop(columns="category"))
            for category, members in self.examples.groupby("category", sort=False)
            if category not in ALIKE
        }
        return {"format_version": FORMAT_VERSION} | {key: rounded(value) for key, value in content.items()}


def compare(first: FinishedRun, second: FinishedRun) -> Comparison:
    """Return what two runs agree on, and what they do not.

    Raises:
        UsageError: they have no example in common.
    """
    pairs = join(first, second)
    compared = pairs[pairs["category"].isin(COMPARED)]
    counts = {str(category): int(count) for category, count in pairs["category"].value_counts(sort=False).items()}
    n_either = sum(counts[category] for category in FLAGGED)
    differ, alike = all_differences((first, second)), same_results(pairs)
    return Comparison(
        first=_facts(first),
        second=_facts(second),
        **differ,
        same_results=alike,
        explanation=explain((first, second), differ, alike=alike),
        counts=counts,
        n_compared=len(compared),
        jaccard=counts[BOTH] / n_either if n_either else None,
        rank_correlation=_rank_correlation(compared, "label_quality"),
        error_probability_correlation=_rank_correlation(compared, "error_probability"),
        top_overlaps=_top_overlaps(compared),
        classes=_by_class(compared),
        against_truth=_against_truth(compared),
        warnings=_warnings(first, second, pairs),
        examples=_examples(pairs),
    )


def _examples(pairs: pd.DataFrame) -> pd.DataFrame:
    names = ["given_label", "suggested_label", "error_probability", "label_quality", "rank"]
    names += [TRUE_LABEL] if all(f"{TRUE_LABEL}_{side}" in pairs for side in SIDES) else []
    path = pairs["path_first"].where(pairs["path_first"] != "", pairs["path_second"])
    examples = pairs.assign(path=path, best_rank=pairs[["rank_first", "rank_second"]].min(axis=1))
    # Rows are in the order of their ids, which decides where others do not.
    examples = examples.sort_values(["category", "best_rank"], kind="stable", ignore_index=True)
    columns = ["category", "example_id", "path", *(f"{name}_{side}" for name in names for side in SIDES)]
    return examples[columns].astype({"category": object})


def _facts(run: FinishedRun) -> RunFacts:
    scores = run.issues.scores
    return RunFacts(
        run=str(run.folder),
        detector=run.summary.detector,
        n_examples=len(scores),
        n_scored=int((scores["status"] == SCORED).sum()),
        n_flagged=int(scores["flagged"].sum()),
    )


def _rank_correlation(compared: pd.DataFrame, column: str) -> float | None:
    first, second = (compared[f"{column}_{side}"].to_numpy(np.float64) for side in SIDES)
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def _top_overlaps(compared: pd.DataFrame) -> tuple[TopOverlap, ...]:
    ranked = [compared.sort_values(f"rank_{side}").index for side in SIDES]
    fewest_flags = min(int(compared[f"flagged_{side}"].sum()) for side in SIDES)
    tops = sorted({k for k in (*TOPS, fewest_flags) if 0 < k <= len(compared)})
    n_common = [len(ranked[0][:k].intersection(ranked[1][:k])) for k in tops]
    return tuple(TopOverlap(k=k, n_common=n, share=n / k) for k, n in zip(tops, n_common, strict=True))


def _by_class(compared: pd.DataFrame) -> pd.DataFrame:
    flags = {category: compared["category"] == category for category in FLAGGED}
    counts = pd.DataFrame({"n_compared": 1, **flags}, index=compared.index, dtype=int)
    classes = counts.groupby(compared["given_label_first"].rename("class_name")).sum().reset_index()
    only_one = classes[ONLY_FIRST] + classes[ONLY_SECOND]
    order = classes.assign(only_one=only_one).sort_values(["only_one", "class_name"], ascending=[False, True]).index
    return classes.loc[order].reset_index(drop=True)


def _against_truth(compared: pd.DataFrame) -> TruthComparison | None:
    true_labels = [compared[name] for side in SIDES if (name := f"{TRUE_LABEL}_{side}") in compared]
    if len(true_labels) < 2:
        return None
    known = compared[true_labels[0] == true_labels[1]]
    label_errors = known["given_label_first"] != known[f"{TRUE_LABEL}_first"]
    found = label_errors.groupby(known["category"], observed=False).agg(["size", "sum", "mean"]).loc[list(FLAGGED)]
    first, second = (
        quality(
            known[f"flagged_{side}"].to_numpy(bool),
            known[f"label_quality_{side}"].to_numpy(np.float64),
            label_errors.to_numpy(bool),
        )
        for side in SIDES
    )
    return TruthComparison(
        n_examples=len(known),
        n_label_errors=int(label_errors.sum()),
        flags=found.set_axis(["n_flagged", "n_label_errors", "precision"], axis=1),
        first=first,
        second=second,
    )


def _warnings(first: FinishedRun, second: FinishedRun, pairs: pd.DataFrame) -> tuple[str, ...]:
    warnings = []
    for side, run in zip(SIDES, (first, second), strict=True):
        if run.summary.learned_nothing:
            warnings.append(f"the models of the {side} run learned nothing: its flags mean nothing")
    in_both = pairs[pairs["present_first"] & pairs["present_second"]]
    n_relabelled = int((in_both["given_label_first"] != in_both["given_label_second"]).sum())
    if 2 * n_relabelled > len(in_both):
        warnings.append(
            f"{n_relabelled:,} of {len(in_both):,} labels differ, and only equal ones are compared: "
            "perhaps the classes have other names in one run"
        )
    is_same_data = first.record.data.fingerprint == second.record.data.fingerprint
    ids = [run.issues.scores["example_id"] for run in (first, second)]
    if not is_same_data and all(set(each) == set(map(str, range(len(each)))) for each in ids):
        warnings.append(
            "the data differs and examples are known by their row numbers only: "
            "if rows were added, removed or moved, the wrong examples are compared; an id column would prevent that"
        )
    return tuple(warnings)


def _plain(value: object) -> object:
    """Return the value of a field as JSON can hold it."""
    if isinstance(value, pd.DataFrame):
        return records(value)
    if isinstance(value, TruthComparison):
        return dataclasses.asdict(value) | {"flags": dict(zip(FLAGGED, records(value.flags), strict=True))}
    if isinstance(value, RunFacts | Difference | TopOverlap):
        return dataclasses.asdict(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
