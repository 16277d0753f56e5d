"""Measurements of losses and detectors over several seeds, put together: means, intervals, paired differences.

All losses of a seed are trained on the same labels and folds, so the difference of two losses is taken seed by
seed: what makes one seed harder than another cancels out, and a difference far smaller than the spread of the
seeds can be seen.

benchmark.json is read by scripts: ``format_version`` goes up when a key changes its meaning or goes away.

History of the format:
    1: the first.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labelscan.arrays import Mask, TrueLabels
from labelscan.atomic import write_json
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import DetectionQuality, quality
from labelscan.detection.protocol import Detection
from labelscan.tables import write_csv
from labelscan.wording import rounded

FORMAT_VERSION = 1
TABLE_FILE, MEASUREMENTS_FILE, JSON_FILE = "benchmark.csv", "measurements.csv", "benchmark.json"
CONFIDENCE = 0.95
OF_MODELS = ("out_of_fold_accuracy", "seconds")
METRICS = (
    *("f1", "precision", "recall", "balanced_accuracy", "auroc", "average_precision", "precision_at_k"),
    *OF_MODELS,
)
"""What is measured of each detector, then of the models that it judges by."""
TRAINS_ITSELF = "aum"
"""The detector that trains models of its own, by cross-entropy, whatever the loss that is compared."""
PAIRED_METRICS = ("f1", "average_precision")
"""Those of which differences to the first loss are taken: one of the flags, one of the ranking."""
TITLES = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "balanced_accuracy": "balanced acc.",
    "auroc": "AUROC",
    "average_precision": "AP",
    "precision_at_k": "precision@k",
    "out_of_fold_accuracy": "accuracy",
    "seconds": "seconds",
}
"""What tables for people call the metrics."""
LEGEND = (
    "Mean over seeds ± half width of its 95 % interval. AP: average precision of the ranking; precision@k: among as "
    "many labels as there are errors; accuracy: of out-of-fold predictions against true labels; seconds: of training, "
    "all folds together; diff.: to the first loss, seed by seed."
)
"""What stands below such tables."""
NONE = "-"
"""What stands in them where there is no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """How one detector did on one cell: one loss on the labels of one noise and seed."""

    noise: str
    detector: str
    loss: str
    seed: int
    quality: DetectionQuality
    out_of_fold_accuracy: float
    """Of the predicted labels against the true ones."""
    seconds: float
    """Of training, all folds together; folds side by side count each."""

    def value(self, metric: str) -> float | None:
        """Return one of ``METRICS``; None where it has no value."""
        value = getattr(self if metric in OF_MODELS else self.quality, metric)
        return None if value is None else float(value)

    def to_row(self) -> dict[str, object]:
        """Return the measurement as one flat row."""
        names = (field.name for field in dataclasses.fields(self) if field.name not in ("quality", *OF_MODELS))
        return {
            **{name: getattr(self, name) for name in names},
            **dataclasses.asdict(self.quality),
            **{name: getattr(self, name) for name in OF_MODELS},
        }


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds, with the half width of its 95 % interval by Student's t; None for a single seed."""

    value: float
    half_width: float | None
    n_seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean | None":
        """Return the mean of at least one value, or None."""
        n_seeds = len(values)
        if n_seeds == 0:
            return None
        mean = math.fsum(values) / n_seeds
        if n_seeds == 1:
            return cls(mean, None, 1)
        from scipy.stats import t

        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n_seeds - 1))
        factor = float(t.ppf((1 + CONFIDENCE) / 2, n_seeds - 1))
        return cls(mean, factor * deviation / math.sqrt(n_seeds), n_seeds)

    def figure(self, digits: int, *, signed: bool = False, interval: bool = True) -> str:
        """Return the mean as people read it: ``0.931 ± 0.012``, where there is an interval and it is wanted."""
        value = f"{round(self.value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"  # without -0.000
        return f"{value} ± {self.half_width:.{digits}f}" if interval and self.half_width is not None else value


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRow:
    """One loss and detector on one noise, over the seeds that are done."""

    noise: str
    detector: str
    loss: str
    n_seeds: int
    n_errors: float
    """Labels that are wrong, of those scored; the mean over seeds."""
    means: Mapping[str, Mean | None]
    """By metric; None where it has no value, as average precision without errors."""
    differences: Mapping[str, Mean | None]
    """To the first loss, by paired metric, over the seeds that both have; None for the first loss itself, without
    such a seed, and for a detector that trains for itself, whatever the loss."""

    def figure(self, metric: str, *, interval: bool = True) -> str:
        """Return the mean of a metric as people read it, or ``-``."""
        mean = self.means[metric]
        return NONE if mean is None else mean.figure(1 if metric == "seconds" else 3, interval=interval)

    def difference_figure(self, metric: str) -> str:
        """Return the difference to the first loss as people read it, or ``-``."""
        difference = self.differences[metric]
        return NONE if difference is None else difference.figure(3, signed=True)


@dataclass(frozen=True, kw_only=True)
class Scoreboard:
    """The table of a benchmark, and what belongs to it."""

    data: str
    n_examples: int
    noises: tuple[str, ...]
    losses: tuple[str, ...]
    """The others are compared with the first."""
    detectors: tuple[str, ...]
    seeds: tuple[int, ...]
    measurements: tuple[Measurement, ...]
    """In the order of the rows, then by seed."""
    rows: tuple[ComparedRow, ...]
    """By noise, then detector, then loss, each in the order in which they were asked for; what is not measured yet
    has no row."""
    failures: Mapping[str, str]
    """Cells that could not be finished, and why."""
    missing: tuple[str, ...]
    """Cells that nobody has come to yet."""
    notes: tuple[str, ...]
    """What a reader of the table should know of the data."""

    def table(self) -> pd.DataFrame:
        """Return one row a noise, detector and loss: means, half widths of intervals, paired differences."""
        return _numeric(pd.DataFrame([_flat(row) for row in self.rows], columns=TABLE_COLUMNS))

    def measured(self) -> pd.DataFrame:
        """Return one row a measurement."""
        return _numeric(pd.DataFrame([one.to_row() for one in self.measurements], columns=MEASUREMENT_COLUMNS))

    def write_csv(self, folder: Path) -> None:
        """Write benchmark.csv, the means over seeds, and measurements.csv, what they are means of."""
        write_csv(self.table(), folder / TABLE_FILE)
        write_csv(self.measured(), folder / MEASUREMENTS_FILE)

    def write_json(self, folder: Path) -> None:
        """Write benchmark.json."""
        write_json(folder / JSON_FILE, self.to_json())

    def to_json(self) -> dict[str, object]:
        """Return the content of benchmark.json; numbers have 6 significant digits."""
        content: dict[str, object] = {"format_version": FORMAT_VERSION} | {
            name: getattr(self, name) for name in ("data", "n_examples", "noises", "losses", "detectors", "seeds")
        }
        content["table"] = [dataclasses.asdict(row) for row in self.rows]
        content["measurements"] = [one.to_row() for one in self.measurements]
        content["failures"] = [{"cell": cell, "reason": reason} for cell, reason in self.failures.items()]
        content |= {"missing": self.missing, "notes": self.notes}
        return {key: rounded(value) for key, value in content.items()}


TABLE_COLUMNS = [
    *("noise", "detector", "loss", "n_seeds", "n_errors"),
    *(column for metric in METRICS for column in (metric, f"{metric}_interval")),
    *(f"{metric}_difference{suffix}" for metric in PAIRED_METRICS for suffix in ("", "_interval", "_seeds")),
]
"""Of benchmark.csv; ``_interval`` is the half width of the 95 % interval, ``_seeds`` the number of pairs."""
MEASUREMENT_COLUMNS = [
    *("noise", "detector", "loss", "seed"),
    *(field.name for field in dataclasses.fields(DetectionQuality)),
    *OF_MODELS,
]
"""Of measurements.csv."""
_TEXTS = ("noise", "detector", "loss")
_COUNTS = ("seed", "n_seeds", "n_flagged", *(f"{metric}_difference_seeds" for metric in PAIRED_METRICS))


def measure(
    detections: Mapping[str, Detection],
    evidence: Evidence,
    true_labels: TrueLabels,
    *,
    noise: str,
    loss: str,
    seed: int,
    seconds: float,
) -> list[Measurement]:
    """Return how well each detector did.

    Args:
        detections: by detector, of the N rows of ``evidence``.
        evidence: N scored examples.
        true_labels: (N,) indices; below K they are those of the classes of ``evidence``.
        noise: how the labels went wrong.
        loss: what the models were trained with.
        seed: of the errors, the folds and the models.
        seconds: of training.
    """
    label_errors: Mask = true_labels != evidence.given_labels
    accuracy = float((evidence.pred_probs.argmax(axis=1) == true_labels).mean())
    return [
        Measurement(
            noise=noise,
            detector=detector,
            loss=loss,
            seed=seed,
            quality=quality(detection.flagged, detection.label_quality, label_errors),
            out_of_fold_accuracy=accuracy,
            seconds=seconds,
        )
        for detector, detection in detections.items()
    ]


def compare(
    measurements: Sequence[Measurement], *, noises: Sequence[str], losses: Sequence[str], detectors: Sequence[str]
) -> tuple[ComparedRow, ...]:
    """Return the rows of the table; see ``Scoreboard.rows``."""
    groups: dict[tuple[str, str, str], list[Measurement]] = {}
    for one in measurements:
        groups.setdefault((one.noise, one.detector, one.loss), []).append(one)
    return tuple(
        _row(groups[noise, detector, loss], None if loss == losses[0] else groups.get((noise, detector, losses[0]), []))
        for noise in noises
        for detector in detectors
        for loss in losses
        if (noise, detector, loss) in groups
    )


def _row(group: Sequence[Measurement], of_first_loss: Sequence[Measurement] | None) -> ComparedRow:
    one = group[0]
    return ComparedRow(
        noise=one.noise,
        detector=one.detector,
        loss=one.loss,
        n_seeds=len(group),
        n_errors=sum(each.quality.n_errors for each in group) / len(group),
        means={metric: Mean.of(list(_values(group, metric).values())) for metric in METRICS},
        differences={
            # What trains for itself is the same whatever the loss: a difference of nothing would look like a finding.
            metric: None
            if of_first_loss is None or one.detector.partition(":")[0] == TRAINS_ITSELF
            else _paired_difference(group, of_first_loss, metric)
            for metric in PAIRED_METRICS
        },
    )


def _paired_difference(group: Sequence[Measurement], first: Sequence[Measurement], metric: str) -> Mean | None:
    ours, theirs = _values(group, metric), _values(first, metric)
    return Mean.of([ours[seed] - theirs[seed] for seed in ours if seed in theirs])


def _values(group: Sequence[Measurement], metric: str) -> dict[int, float]:
    """Return the values by seed of those that have one."""
    values = {one.seed: one.value(metric) for one in group}
    return {seed: value for seed, value in values.items() if value is not None}


def _flat(row: ComparedRow) -> dict[str, object]:
    flat: dict[str, object] = {
        name: getattr(row, name) for name in ("noise", "detector", "loss", "n_seeds", "n_errors")
    }
    for metric, mean in row.means.items():
        flat[metric] = None if mean is None else mean.value
        flat[f"{metric}_interval"] = None if mean is None else mean.half_width
    for metric, mean in row.differences.items():
        flat[f"{metric}_difference"] = None if mean is None else mean.value
        flat[f"{metric}_difference_interval"] = None if mean is None else mean.half_width
        flat[f"{metric}_difference_seeds"] = 0 if mean is None else mean.n_seeds
    return flat


def _numeric(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with numbers in every column but the texts: NaN, not None, where there is no value."""
    return table.astype(
        {name: "int64" if name in _COUNTS else "float64" for name in table.columns if name not in _TEXTS}
    )
