"""Health checks: when not to believe a run, and what in the data deserves a look.

A detector flags something whatever it is given. Whether the models learned anything, and whether the flags can be
errors rather than a broken label column, are separate questions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np

from labelscan.arrays import Mask
from labelscan.data.dataset import Dataset
from labelscan.detection.evidence import Evidence, row_chunks
from labelscan.detection.protocol import Detections
from labelscan.training.agreement import Agreement

IN_SAMPLE, FEWEST_IN_SAMPLE = 0.999, 300
"""The share of given labels, of so many at least, that models predict which have seen them, and others seldom do."""
MANY_FLAGGED = 0.3
"""Share of flagged labels above which the run is more likely to be wrong than the labels."""
EXTREME_IMBALANCE = 100
"""The ratio of the largest class to the smallest that is worth a warning."""
LEARNED_NOTHING = "the models learned nothing"
NOTHING_JUDGED = f"{LEARNED_NOTHING}, so no label can be judged"
ONE_WAY = 5
"""How many times as large a share of a class looks like another than the other way round, where errors go one way."""
FEWEST_ONE_WAY, LEAST_ONE_WAY = 10, 0.05
"""The least number and share of labels of a class of which that is said."""
UNIFORM = 1e-6
"""Rows whose probabilities differ by no more than this say nothing."""

LabelConflict: TypeAlias = Sequence[tuple[str, str]]
"""Copies whose labels differ: example id and given label of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataChecks:
    """What was found in the data before any label was judged."""

    label_conflicts: Sequence[LabelConflict] = ()
    warnings: Sequence[str] = ()


NOTHING_FOUND = DataChecks()


def warnings_about(
    dataset: Dataset, evidence: Evidence, detections: Detections, agreement: Agreement, checks: DataChecks
) -> Iterator[str]:
    """Yield what a user should be wary of, the worst first.

    Examples without a score are not mentioned: the summary counts them, and scores.csv has the reason of each.
    """
    yield from checks.warnings
    probs = evidence.pred_probs
    if all(bool((np.ptp(probs[rows], axis=1) <= UNIFORM).all()) for rows in row_chunks(probs.shape)):
        yield "every class has the same probability everywhere: the models say nothing"
    if agreement.learned_nothing:
        yield (
            f"{LEARNED_NOTHING}: they agree with {agreement.share:.1%} of the given labels, "
            f"which is no more than chance ({agreement.chance:.1%}); the flags mean nothing: "
            "train longer, choose another model, or check the labels, and for probabilities the order of their columns"
        )
    if agreement.share >= IN_SAMPLE and len(evidence) >= FEWEST_IN_SAMPLE and not any(evidence.fold_names):
        yield (
            f"the probabilities agree with {agreement.share:.1%} of the labels: if their models were trained on them, "
            "no error can be found; give out-of-fold ones then, as by cross_val_predict"
        )
    for one, other in combinations(evidence.members, 2):
        if np.array_equal(one.pred_probs, other.pred_probs):
            yield (
                f"{one.name} and {other.name} predict the same and are one opinion: "
                "they agree for that reason alone, so do not believe the range of wrong labels"
            )
    flagged_rate = float(detections.lead.flagged.mean())
    if flagged_rate > MANY_FLAGGED:
        yield (
            f"{flagged_rate:.0%} of the labels are flagged: check that the labels belong to these examples, "
            "or train a better model"
        )
    if not agreement.learned_nothing:
        yield from _one_way_errors(evidence, detections.lead.flagged)
    yield from _about_the_data(dataset, checks)
    for detection in detections.by_name.values():
        yield from detection.notes


def _one_way_errors(evidence: Evidence, flagged: Mask) -> Iterator[str]:
    """Yield a sentence on the pair of classes with most flags, if one is given for the other and seldom the reverse."""
    names, sizes = evidence.class_names, np.bincount(evidence.given_labels, minlength=len(evidence.class_names))
    pairs = np.column_stack([evidence.given_labels, evidence.pred_probs.argmax(axis=1)])[flagged]
    pairs, counts = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0, return_counts=True)
    if not len(pairs):
        return
    given, other = pairs[counts.argmax()]
    back = int(counts[(pairs == [other, given]).all(axis=1)].sum())
    n, share, share_back = int(counts.max()), counts.max() / sizes[given], back / max(int(sizes[other]), 1)
    if n >= FEWEST_ONE_WAY and share >= max(LEAST_ONE_WAY, ONE_WAY * share_back):
        yield (
            f"the errors may go one way: {n:,} of {sizes[given]:,} labels {names[given]!r} look like {names[other]!r}, "
            f"and {back:,} of {sizes[other]:,} the other way round"
        )


def _about_the_data(dataset: Dataset, checks: DataChecks) -> Iterator[str]:
    names, n_conflicts = dataset.class_names, len(checks.label_conflicts)
    if n_conflicts:
        groups = "1 group" if n_conflicts == 1 else f"{n_conflicts:,} groups"
        (one, label), *more = checks.label_conflicts[0]
        other, its = next(each for each in more if each[1] != label)
        yield f"{groups} of copies with different labels, such as {one!r} ({label}) and {other!r} ({its})"
    counts = np.bincount(dataset.given_labels, minlength=len(names))
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    if counts[largest] >= EXTREME_IMBALANCE * max(1, counts[smallest]):
        yield (
            f"class {names[largest]!r} has {counts[largest]:,} examples and "
            f"{names[smallest]!r} has {counts[smallest]:,}: rare classes are judged less well"
        )
