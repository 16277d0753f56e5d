"""Two finished runs side by side: which labels both flag, which only one does, and how alike their rankings are.

Examples are joined by their id. Where a label has changed between the runs, the two judge different things: such
examples are told apart (fixed, still flagged, ...), and flags and rankings are compared on the labels that both
runs have scored and that are the same in both.

The JSON form is read by scripts: ``format_version`` goes up when a key changes its meaning or goes away.

History of the format:
    1: the first.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from labelscan.arrays import Mask
from labelscan.comparison.pairing import ALIKE, BOTH, CATEGORIES, ONLY_FIRST, ONLY_SECOND, Pair, join
from labelscan.detection.metrics import DetectionQuality, quality
from labelscan.results.finished_run import FinishedRun
from labelscan.results.issues import SCORED, TRUE_LABEL
from labelscan.tables import write_csv
from labelscan.wording import rounded

FORMAT_VERSION = 1

SIDES = ("first", "second")
TOPS = (10, 100)
"""How many of the most doubtful labels are compared, beside as many as the run with fewer flags has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """One of the two runs."""

    run: str
    """Its folder."""
    detector: str
    """The one whose flags and ranking are compared, with its options."""
    n_examples: int
    n_scored: int
    n_flagged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something recorded that is not the same in both runs; None where one run does not have it."""

    name: str
    first: object
    second: object


@dataclass(frozen=True, kw_only=True, slots=True)
class TopOverlap:
    """How many of the k most doubtful labels are the same."""

    k: int
    n_common: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassComparison:
    """Flags on the labels compared of one class."""

    class_name: str
    n_compared: int
    flagged_by_both: int
    flagged_by_first: int
    flagged_by_second: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FlagPrecision:
    """How many of some flags are on labels known to be wrong."""

    n_flagged: int
    n_label_errors: int
    precision: float | None
    """None where nothing is flagged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TruthComparison:
    """Both runs against the true labels, on the labels compared whose true label is the same in both."""

    n_examples: int
    n_label_errors: int
    flags: Mapping[str, FlagPrecision]
    """Of the flags of both runs, of only the first and of only the second."""
    first: DetectionQuality
    second: DetectionQuality


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What two runs say alike and what not."""

    first: RunFacts
    second: RunFacts
    settings: tuple[Difference, ...]
    data: tuple[Difference, ...]
    versions: tuple[Difference, ...]
    counts: Mapping[str, int]
    """Examples by category, all of ``CATEGORIES``."""
    n_compared: int
    """Labels scored in both runs and the same in both: what the following are about."""
    jaccard: float | None
    """Labels flagged by both as a share of those flagged by either; None where nothing is flagged."""
    rank_correlation: float | None
    """Spearman's, of label quality; None where one run holds all labels for equally good."""
    error_probability_correlation: float | None
    top_overlaps: tuple[TopOverlap, ...]
    classes: tuple[ClassComparison, ...]
    """Those with most labels that only one run flags first."""
    against_truth: TruthComparison | None
    """None where one of the runs has no true labels."""
    warnings: tuple[str, ...]
    examples: pd.DataFrame
    """All examples with their category, in the order of ``CATEGORIES``, most doubtful in either run first. Columns of
    the runs end in ``_first`` and ``_second``; texts are empty and numbers NaN where a run has none."""

    def differing(self) -> pd.DataFrame:
        """Return the examples on which the runs do not agree."""
        return self.examples[~self.examples["category"].isin([BOTH, *ALIKE])]

    def write_csv(self, path: Path) -> None:
        """Write the examples on which the runs do not agree."""
        write_csv(self.differing(), path)

    def to_json(self, top: int) -> dict[str, object]:
        """Return all as JSON, with at most ``top`` examples of each category; numbers have 6 significant digits."""
        fields = [field.name for field in dataclasses.fields(self) if field.name != "examples"]
        content = {name: _plain(getattr(self, name)) for name in fields}
        content["examples"] = {
            category: [
                {key: None if pd.isna(value) else value for key, value in row.items() if key != "category"}
                for row in members.head(top).to_dict("records")
            ]
            for category, members in self.examples.groupby("category", sort=False)
            if category not in ALIKE
        }
        return {"format_version": FORMAT_VERSION} | {key: rounded(value) for key, value in content.items()}


def compare(first: FinishedRun, second: FinishedRun) -> Comparison:
    """Return what two runs say alike and what not.

    Raises:
        UsageError: they have no example in common.
    """
    pair = join(first, second)
    compared = pair.compared
    flagged = [side[compared] for side in pair.flagged]
    tables = [table[compared] for table in pair.tables]
    n_either = int((flagged[0] | flagged[1]).sum())
    examples = _examples(pair)
    counts = examples["category"].value_counts()
    return Comparison(
        first=_facts(first),
        second=_facts(second),
        settings=_settings(first, second),
        data=_differences(*({"name": run.summary.get("data"), **run.recorded("data")} for run in (first, second))),
        versions=_differences(first.recorded("versions"), second.recorded("versions")),
        counts={category: int(counts.get(category, 0)) for category in CATEGORIES},
        n_compared=int(compared.sum()),
        jaccard=int((flagged[0] & flagged[1]).sum()) / n_either if n_either else None,
        rank_correlation=_rank_correlation(tables, "label_quality"),
        error_probability_correlation=_rank_correlation(tables, "error_probability"),
        top_overlaps=_top_overlaps(tables, flagged),
        classes=_by_class(tables[0]["given_label"], flagged),
        against_truth=_against_truth(tables, flagged),
        warnings=_warnings(first, second, pair),
        examples=examples,
    )


def _examples(pair: Pair) -> pd.DataFrame:
    first, second = (table.reset_index(drop=True) for table in pair.tables)
    columns: dict[str, object] = {
        "category": pd.Categorical(pair.categories(), categories=CATEGORIES, ordered=True),
        "example_id": pd.Series(pair.example_ids, dtype=object),
        "path": first["path"].where(first["path"] != "", second["path"]),
    }
    names = ["given_label", "suggested_label", "error_probability", "label_quality", "rank"]
    names += [TRUE_LABEL] if TRUE_LABEL in first and TRUE_LABEL in second else []
    for name in names:
        columns |= {f"{name}_first": first[name], f"{name}_second": second[name]}
    examples = pd.DataFrame(columns)
    doubt = examples[["rank_first", "rank_second"]].min(axis=1)
    # Rows are in the order of their ids, which decides where others do not.
    order = examples.assign(doubt=doubt).sort_values(["category", "doubt"], kind="stable").index
    return examples.loc[order].reset_index(drop=True).astype({"category": object})


def _facts(run: FinishedRun) -> RunFacts:
    scores = run.issues.scores
    return RunFacts(
        run=str(run.folder),
        detector=str(run.summary.get("detector")),
        n_examples=len(scores),
        n_scored=int((scores["status"] == SCORED).sum()),
        n_flagged=int(scores["flagged"].sum()),
    )


def _settings(first: FinishedRun, second: FinishedRun) -> tuple[Difference, ...]:
    """Return the settings that decide results and differ; of another command only those that it has too."""
    depends = [run.recorded("results_depend_on") for run in (first, second)]
    if depends[0].get("command") != depends[1].get("command"):
        common = depends[0].keys() & depends[1].keys()
        depends = [{key: value for key, value in each.items() if key in common} for each in depends]
    detectors = [{"detection.detector": run.summary.get("detector")} for run in (first, second)]
    return _differences(*({**each, **detector} for each, detector in zip(depends, detectors, strict=True)))


def _differences(first: Mapping[str, object], second: Mapping[str, object]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name=name, first=first.get(name), second=second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    )


def _rank_correlation(tables: list[pd.DataFrame], column: str) -> float | None:
    first, second = (table[column].to_numpy(np.float64) for table in tables)
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def _top_overlaps(tables: list[pd.DataFrame], flagged: list[Mask]) -> tuple[TopOverlap, ...]:
    ranked = [table.index[np.argsort(table["rank"].to_numpy(np.int64))] for table in tables]
    n_compared = len(ranked[0])
    tops = {k for k in (*TOPS, min(int(flags.sum()) for flags in flagged)) if 0 < k <= n_compared}
    n_common = {k: len(ranked[0][:k].intersection(ranked[1][:k])) for k in sorted(tops)}
    return tuple(TopOverlap(k=k, n_common=common, share=common / k) for k, common in n_common.items())


def _by_class(given_labels: pd.Series, flagged: list[Mask]) -> tuple[ClassComparison, ...]:
    first, second = flagged
    counts = pd.DataFrame({"n": True, BOTH: first & second, ONLY_FIRST: first & ~second, ONLY_SECOND: second & ~first})
    sums = counts.groupby(given_labels.to_numpy(), sort=True).sum().astype(int)
    classes = [
        ClassComparison(
            class_name=str(name),
            n_compared=int(row["n"]),
            flagged_by_both=int(row[BOTH]),
            flagged_by_first=int(row[ONLY_FIRST]),
            flagged_by_second=int(row[ONLY_SECOND]),
        )
        for name, row in sums.iterrows()
    ]
    return tuple(sorted(classes, key=lambda one: (-one.flagged_by_first - one.flagged_by_second, one.class_name)))


def _against_truth(tables: list[pd.DataFrame], flagged: list[Mask]) -> TruthComparison | None:
    if not all(TRUE_LABEL in table for table in tables):
        return None
    known = (tables[0][TRUE_LABEL] == tables[1][TRUE_LABEL]).to_numpy(bool)
    label_errors = (tables[0]["given_label"] != tables[0][TRUE_LABEL]).to_numpy(bool)[known]
    first, second = (flags[known] for flags in flagged)
    qualities = [table["label_quality"].to_numpy(np.float64)[known] for table in tables]
    parts = {BOTH: first & second, ONLY_FIRST: first & ~second, ONLY_SECOND: second & ~first}
    return TruthComparison(
        n_examples=len(label_errors),
        n_label_errors=int(label_errors.sum()),
        flags={name: _precision(flags, label_errors) for name, flags in parts.items()},
        first=quality(first, qualities[0], label_errors),
        second=quality(second, qualities[1], label_errors),
    )


def _precision(flagged: Mask, label_errors: Mask) -> FlagPrecision:
    n_flagged, hits = int(flagged.sum()), int((flagged & label_errors).sum())
    return FlagPrecision(n_flagged=n_flagged, n_label_errors=hits, precision=hits / n_flagged if n_flagged else None)


def _warnings(first: FinishedRun, second: FinishedRun, pair: Pair) -> tuple[str, ...]:
    warnings = [
        f"the models of the {side} run learned nothing: its flags mean nothing"
        for side, run in zip(SIDES, (first, second), strict=True)
        if run.summary.get("learned_nothing")
    ]
    in_both = pair.present[0] & pair.present[1]
    n_relabelled = int((in_both & ~pair.same_label).sum())
    if 2 * n_relabelled > in_both.sum():
        warnings.append(
            f"{n_relabelled:,} of {int(in_both.sum()):,} labels differ, and only equal ones are compared: "
            "perhaps the classes are called otherwise in one run"
        )
    fingerprints = [run.recorded("data").get("fingerprint") for run in (first, second)]
    if fingerprints[0] != fingerprints[1] and all(map(_are_row_numbers, (first, second))):
        warnings.append(
            "the data differs and examples are known by their row numbers only: "
            "if rows were added, removed or moved, other examples are compared; an id column would tell"
        )
    return tuple(warnings)


def _are_row_numbers(run: FinishedRun) -> bool:
    ids = run.issues.scores["example_id"]
    return set(ids) == set(map(str, range(len(ids))))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
