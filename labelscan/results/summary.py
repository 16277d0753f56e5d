"""What a run found in numbers: counts, estimates, the health of each class, and warnings.

summary.json is read by gates and scripts: ``format_version`` goes up when a key changes its meaning or goes away.

History of the format:
    1: the first.
    2: out_of_fold_agreement and chance_agreement, which were called accuracy.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask, Strings
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import kind_of
from labelscan.detection.decisions.interval import Measurement
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import DetectionQuality, quality
from labelscan.detection.protocol import Detections
from labelscan.detection.self_check import SelfCheck
from labelscan.files.atomic import write_json
from labelscan.results.health import NOTHING_FOUND, DataChecks, warnings_about
from labelscan.results.issues import UNREADABLE, UNSCORED, Issues, status_is
from labelscan.results.wrong_labels import MeasuredBefore, WrongLabels, estimate_wrong_labels
from labelscan.runs.files import as_json, read_versioned
from labelscan.training.agreement import Agreement
from labelscan.wording.words import rounded

FORMAT_VERSION = 2
FILE_NAME = "summary.json"
MOST_CLASSES_IN_MATRIX = 200
"""With more classes the noise matrix, of K x K numbers, is left out; there are still the confused pairs."""
MOST_PAIRS = 20
MOST_CONFLICTS = 100
MOST_IN_A_CONFLICT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassHealth:
    """The examples whose given label is one class."""

    class_name: str
    n_examples: int
    n_scored: int
    n_flagged: int
    flagged_rate: float | None
    """Share of the scored; None where there are none."""
    estimated_wrong_labels: float
    out_of_fold_agreement: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfusedPair:
    """How many flagged examples of one class look like another."""

    given_label: str
    suggested_label: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConflictingLabel:
    """One of several copies whose labels differ."""

    example_id: str
    given_label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstTruth:
    """How well a run did on the scored examples, where true labels came with the data."""

    n_label_errors: int
    noise_rate: float
    out_of_fold_accuracy: float
    """Accuracy of the predicted labels against the true ones."""
    quality: dict[str, DetectionQuality]
    """By detector."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run found."""

    data: str
    """The name of the data."""
    n_examples: int
    """All that were read."""
    n_scored: int
    """Examples with out-of-fold probabilities, which detectors judge."""
    n_unscored: int
    """Examples that could be read but not judged."""
    n_unreadable: int
    """Examples whose images could not be read."""
    n_classes: int
    """Classes of the given labels."""
    detector: str
    """The leading detector, with its options."""
    n_flagged: int
    """How many the leading detector flags."""
    flagged_by: dict[str, int]
    """How many each detector flags."""
    flagged_by_all: int
    """How many all detectors flag."""
    estimated_wrong_labels: float
    """Sum of the error probabilities of the scored examples: the number by which labels are flagged."""
    estimated_noise_rate: float
    """The same as a share of the scored examples."""
    wrong_labels: WrongLabels
    """Between how many labels are wrong, and where that comes from."""
    out_of_fold_agreement: float
    """How often the models predict the given label of an example that they have not seen; some of these are wrong."""
    chance_agreement: float
    """The agreement of predictions that have nothing to do with the given labels."""
    learned_nothing: bool
    """Whether agreement is not significantly above chance: flags then mean nothing, and no gate may pass on them."""
    warnings: tuple[str, ...]
    """What a reader should be wary of."""
    notes: tuple[str, ...]
    """How data and decisions were read: good to know, no reason to worry."""
    against_truth: AgainstTruth | None
    """How well the run did; null where true labels did not come with the data."""
    confused_pairs: tuple[ConfusedPair, ...]
    """Most frequent first, at most ``MOST_PAIRS``."""
    class_health: tuple[ClassHealth, ...]
    """One entry a class, in the order of classes."""
    self_check: SelfCheck | None = None
    """What a second run with planted errors says about this one; None where none was made."""
    n_label_conflicts: int
    """Groups of byte-identical images, of equal rows or of nearly equal texts whose labels differ."""
    label_conflicts: tuple[tuple[ConflictingLabel, ...], ...]
    """The first ``MOST_CONFLICTS`` of them, at most ``MOST_IN_A_CONFLICT`` examples of each."""
    noise_matrix: list[list[float]] | None
    """P(given = row if true = column), in the order of ``class_health``; None above ``MOST_CLASSES_IN_MATRIX``."""

    @classmethod
    def read(cls, run_folder: Path) -> "Summary":
        """Return summary.json in a run folder without keys of a later version; see ``read_versioned``."""
        return read_versioned(run_folder / FILE_NAME, cls, FORMAT_VERSION, extra=True)

    @property
    def known_wrong(self) -> str:
        """Return how many of the scored labels the true ones show to be wrong, without a full stop; else nothing."""
        if self.against_truth is None:
            return ""
        n_known = self.against_truth.n_label_errors
        return f"{n_known:,} of {self.n_scored:,} labels {'is' if n_known == 1 else 'are'} known to be wrong"

    @property
    def says_count(self) -> bool:
        """Return whether to say how many labels are wrong: an estimate tells nothing where that is known."""
        if self.wrong_labels.is_measured:
            return True
        return self.against_truth is None and not self.learned_nothing

    @property
    def list_may_be_right(self) -> bool:
        """Return whether most of the flagged labels may be right, as far as it is known."""
        wrong = self.wrong_labels
        return self.says_count and wrong.high is None and 2 * wrong.low < self.n_flagged > 1

    def to_json(self) -> dict[str, object]:
        """Return the content of summary.json; numbers have 6 significant digits."""
        content = {"format_version": FORMAT_VERSION} | as_json(self)
        return {key: rounded(value) for key, value in content.items()}

    def write(self, run_folder: Path) -> None:
        """Write summary.json into the run folder."""
        write_json(run_folder / FILE_NAME, self.to_json())


def summarise(
    dataset: Dataset,
    evidence: Evidence,
    detections: Detections,
    issues: Issues,
    status: Strings,
    checks: DataChecks = NOTHING_FOUND,
    *,
    measurement: Measurement | None = None,
    before: MeasuredBefore | None = None,
    notes: Sequence[str] = (),
) -> Summary:
    """Return what a run found.

    Args:
        dataset, evidence, detections, issues, status: as in ``rank_issues``, and what it made of them.
        checks: what was found in the data.
        measurement: what decisions measure, where there are enough of them.
        before: what was measured before the labels were corrected.
        notes: what is good to know, besides how the data was read.
    """
    predicted_labels = evidence.pred_probs.argmax(axis=1)
    agreement = Agreement.of(predicted_labels, evidence.given_labels, len(dataset.class_names))
    estimated_wrong_labels = float(detections.error_probability.sum())
    every_flag = [detection.flagged for detection in detections.by_name.values()]
    return Summary(
        data=dataset.name,
        n_examples=len(dataset),
        n_scored=len(evidence),
        n_unscored=int(status_is(status, UNSCORED).sum()),
        n_unreadable=int(status_is(status, UNREADABLE).sum()),
        n_classes=len(dataset.class_names),
        detector=detections.leading,
        n_flagged=int(detections.lead.flagged.sum()),
        flagged_by={name: int(detection.flagged.sum()) for name, detection in detections.by_name.items()},
        flagged_by_all=int(np.logical_and.reduce(every_flag).sum()),
        estimated_wrong_labels=estimated_wrong_labels,
        estimated_noise_rate=estimated_wrong_labels / len(evidence),
        wrong_labels=estimate_wrong_labels(
            detections,
            measurement,
            before=before,
            by_agreement=bool(evidence.members),
            of_images=kind_of(dataset.inputs) == "images",
        ),
        out_of_fold_agreement=agreement.share,
        chance_agreement=agreement.chance,
        learned_nothing=agreement.learned_nothing,
        warnings=tuple(dict.fromkeys(warnings_about(dataset, evidence, detections, agreement, checks))),
        notes=(*dataset.notes, *notes),
        against_truth=_against_truth(dataset, evidence, detections, predicted_labels),
        confused_pairs=_confused_pairs(dataset, issues),
        class_health=_class_health(dataset, evidence, detections, predicted_labels == evidence.given_labels),
        n_label_conflicts=len(checks.label_conflicts),
        label_conflicts=tuple(
            tuple(ConflictingLabel(example_id=one, given_label=label) for one, label in group[:MOST_IN_A_CONFLICT])
            for group in checks.label_conflicts[:MOST_CONFLICTS]
        ),
        noise_matrix=detections.noise_matrix.tolist() if len(dataset.class_names) <= MOST_CLASSES_IN_MATRIX else None,
    )


def with_judgement(
    summary: Summary,
    evidence: Evidence,
    detections: Detections,
    measurement: Measurement | None,
    *,
    before: MeasuredBefore | None,
    of_images: bool,
    warnings: Sequence[str] = (),
) -> Summary:
    """Return what a run found with the counts and estimates of other judgements of the same evidence.

    What it says of classes, pairs and each detector stays as the run has it. ``of_images`` is whether its examples are
    images; ``warnings`` go before its own.
    """
    estimated_wrong_labels = float(detections.error_probability.sum())
    return dataclasses.replace(
        summary,
        n_flagged=int(detections.lead.flagged.sum()),
        estimated_wrong_labels=estimated_wrong_labels,
        estimated_noise_rate=estimated_wrong_labels / len(evidence),
        wrong_labels=estimate_wrong_labels(
            detections,
            measurement,
            before=before,
            by_agreement=bool(evidence.members),
            of_images=of_images,
        ),
        warnings=(*warnings, *summary.warnings),
    )


def _against_truth(
    dataset: Dataset, evidence: Evidence, detections: Detections, predicted_labels: NDArray[np.int64]
) -> AgainstTruth | None:
    if dataset.true_labels is None:
        return None
    # The first of the true class names are the class names, so the indices can be compared.
    true_labels = dataset.true_labels[evidence.index]
    label_errors = true_labels != evidence.given_labels
    return AgainstTruth(
        n_label_errors=int(label_errors.sum()),
        noise_rate=float(label_errors.mean()),
        out_of_fold_accuracy=float((predicted_labels == true_labels).mean()),
        quality={
            name: quality(one.flagged, one.label_quality, label_errors) for name, one in detections.by_name.items()
        },
    )


def _class_health(
    dataset: Dataset, evidence: Evidence, detections: Detections, predicted_right: Mask
) -> tuple[ClassHealth, ...]:
    n_classes, given_labels = len(dataset.class_names), evidence.given_labels
    examples = np.bincount(dataset.given_labels, minlength=n_classes)
    scored = np.bincount(given_labels, minlength=n_classes)
    flagged = np.bincount(given_labels[detections.lead.flagged], minlength=n_classes)
    right = np.bincount(given_labels[predicted_right], minlength=n_classes)
    wrong = np.bincount(given_labels, weights=detections.error_probability, minlength=n_classes)
    return tuple(
        ClassHealth(
            class_name=name,
            n_examples=int(examples[label]),
            n_scored=int(scored[label]),
            n_flagged=int(flagged[label]),
            flagged_rate=float(flagged[label] / scored[label]) if scored[label] else None,
            estimated_wrong_labels=float(wrong[label]),
            out_of_fold_agreement=float(right[label] / scored[label]) if scored[label] else None,
        )
        for label, name in enumerate(dataset.class_names)
    )


def _confused_pairs(dataset: Dataset, issues: Issues) -> tuple[ConfusedPair, ...]:
    place = {name: label for label, name in enumerate(dataset.class_names)}
    flagged = issues.flagged
    counts = Counter(zip(flagged["given_label"], flagged["suggested_label"], strict=True))
    pairs = sorted(counts.items(), key=lambda item: (-item[1], place[item[0][0]], place[item[0][1]]))
    return tuple(
        ConfusedPair(given_label=given_label, suggested_label=suggested_label, count=count)
        for (given_label, suggested_label), count in pairs[:MOST_PAIRS]
    )
