"""The measurements of a benchmark as one data frame, and the table over seeds: means, intervals, differences.

All losses of a seed are trained on the same labels and folds, so the difference of two losses is taken seed by
seed: what makes one seed harder than another cancels out, and differences far smaller than the spread of the seeds
become visible.

benchmark.json is read by scripts: ``format_version`` goes up when a key changes its meaning or goes away.

History of the format:
    1: the first.
    2: ``seconds`` is called ``fold_seconds``, which says what it has always been.
"""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import t

from labelscan.arrays import Mask, TrueLabels
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import DetectionQuality, quality
from labelscan.detection.protocol import Detection
from labelscan.files.atomic import replacing, write_json
from labelscan.wording.tables import NONE, Column, Table, records, write_csv
from labelscan.wording.words import in_markdown, rounded

FORMAT_VERSION = 2
TABLE_FILE = "benchmark.csv"
CONFIDENCE = 0.95
TRAINS_ITSELF = "aum"
"""The detector that trains models of its own, by cross-entropy whatever the loss that is compared."""
FOLD_SECONDS = "fold_seconds"
"""The column of the seconds of training, summed over the folds: what a loss costs, however many cores there are."""
MEASURED = (
    Column("F1", "f1", "figure"),
    Column("precision", "precision", "figure", spare=5),
    Column("recall", "recall", "figure", spare=6),
    Column("balanced acc.", "balanced_accuracy", "figure", spare=11),
    Column("AUROC", "auroc", "figure", spare=10),
    Column("AP", "average_precision", "figure", spare=3),
    Column("precision@k", "precision_at_k", "figure", spare=9),
    Column("accuracy", "out_of_fold_accuracy", "figure", spare=7),
    Column("fold seconds", FOLD_SECONDS, "figure", spare=8),
)
"""The metrics of each detector, then those of the models that it judges by."""
METRICS = tuple(column.name for column in MEASURED)
PAIRED_METRICS = ("f1", "average_precision")
"""The metrics that are compared with the first loss: one of the flags, one of the ranking."""
COLUMNS = (
    Column("detector", "detector", "name"),
    Column("loss", "loss", "name"),
    Column("seeds", "n_seeds", "count", spare=1),
    Column("errors", "n_errors", "count"),
    *MEASURED,
    Column("diff. F1", "f1_difference", "figure", spare=2),
    Column("diff. AP", "average_precision_difference", "figure", spare=4),
)
"""The table for people; one a noise."""
LEGEND = (
    "Mean over seeds ± half width of its 95 % interval. AP: average precision of the ranking; precision@k: among as "
    "many labels as there are errors; accuracy: of out-of-fold predictions against true labels; fold seconds: of "
    "training, summed over the folds, however many of them train side by side; diff.: to the first loss, seed by seed."
)
"""The line that explains such tables."""
KEYS = ["noise", "detector", "loss"]
_FIGURES = [*METRICS, *(f"{metric}_difference" for metric in PAIRED_METRICS)]
TABLE_COLUMNS = [
    *(*KEYS, "n_seeds", "n_errors"),
    *(column for metric in METRICS for column in (metric, f"{metric}_interval")),
    *(f"{metric}_difference{suffix}" for metric in PAIRED_METRICS for suffix in ("", "_interval", "_seeds")),
    "f1_ceiling",
]
"""The columns of benchmark.csv: ``_interval`` is the half width of a 95 % interval, ``_seeds`` a number of pairs.
``f1_ceiling`` is the highest F1 that can be expected of a detector, empty where nothing is known of it."""
_DTYPES = {"seed": "int64", "n_errors": "int64", "n_flagged": "int64"} | dict.fromkeys(
    (*METRICS, "f1_ceiling"), "float64"
)
MEASUREMENT_COLUMNS = [
    *(*KEYS, "seed"),
    *(field.name for field in dataclasses.fields(DetectionQuality)),
    *("out_of_fold_accuracy", FOLD_SECONDS, "f1_ceiling"),
]
"""The columns of measurements.csv."""
Row: TypeAlias = Mapping[str, Any]
"""A row of a data frame: texts and numbers by column."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scoreboard:
    """What a benchmark measured, with what a reader must know of it."""

    data: str
    n_examples: int
    noises: tuple[str, ...]
    losses: tuple[str, ...]
    """The others are compared with the first."""
    detectors: tuple[str, ...]
    seeds: tuple[int, ...]
    measurements: pd.DataFrame
    """``MEASUREMENT_COLUMNS``: one row a noise, detector, loss and seed, in the order of the fields above."""
    failures: Mapping[str, str]
    """Cells that could not be finished, and why."""
    missing: tuple[str, ...]
    """Cells that were not reached."""
    notes: tuple[str, ...]
    """How the data was read."""
    planter: str
    """The model that says which classes and examples are hard, or empty."""

    @cached_property
    def averages(self) -> pd.DataFrame:
        """Return one row a noise, detector and loss, in the order of ``measurements``.

        Metrics, and differences to the first loss over the seeds that both have, are means; ``_interval`` is the half
        width of the 95 % interval by Student's t, NaN for a single seed; ``_seeds`` is how many seeds have a value.
        """
        first = self.measurements.loc[self.measurements["loss"] == self.losses[0]]
        pairs = self.measurements.merge(
            first[["noise", "detector", "seed", *PAIRED_METRICS]],
            how="left",
            on=["noise", "detector", "seed"],
            suffixes=("", "_of_first"),
        )
        # What trains for itself is the same whatever the loss: a difference of 0 would look like a finding.
        differs = (pairs["loss"] != self.losses[0]) & (pairs["detector"].str.split(":").str[0] != TRAINS_ITSELF)
        for metric in PAIRED_METRICS:
            pairs[f"{metric}_difference"] = (pairs[metric] - pairs[f"{metric}_of_first"]).where(differs)
        groups = pairs.groupby(KEYS, sort=False)
        figures, counts = groups[_FIGURES], groups[_FIGURES].count()
        intervals = figures.sem() * t.ppf((1 + CONFIDENCE) / 2, counts - 1)
        averages: pd.DataFrame = pd.concat(
            [
                groups.size().rename("n_seeds"),
                groups["n_errors"].mean(),
                figures.mean(),
                groups["f1_ceiling"].mean(),
                intervals.add_suffix("_interval"),
                counts.add_suffix("_seeds"),
            ],
            axis=1,
        )
        return averages.reset_index()

    @property
    def table(self) -> pd.DataFrame:
        """Return the content of benchmark.csv."""
        return self.averages[TABLE_COLUMNS]

    def figures(self, with_interval: Collection[str] = METRICS) -> pd.DataFrame:
        """Return the averages as text, for ``COLUMNS``: ``0.931 ± 0.012``, or ``-`` without a value.

        Args:
            with_interval: the metrics to show with their interval; differences always have one.
        """
        figures = self.averages.astype(dict.fromkeys(_FIGURES, object))
        for name in _FIGURES:
            is_difference = name not in METRICS
            sign, digits = "+" if is_difference else "", 1 if name == FOLD_SECONDS else 3
            has_interval = is_difference or name in with_interval
            figures[name] = [
                figure(value, width if has_interval else np.nan, digits=digits, sign=sign)
                for value, width in zip(self.averages[name], figures[f"{name}_interval"], strict=True)
            ]
        return figures

    def note(self, noise: str) -> str:
        """Return what F1 can be expected of detectors on a noise, the mean over seeds; empty where it is not known."""
        of_noise = self.measurements.loc[self.measurements["noise"] == noise]
        ceiling = float(of_noise.drop_duplicates("seed")["f1_ceiling"].mean())
        if np.isnan(ceiling):
            return ""
        return (
            f"planted by {self.planter}; by all that the models learn from right labels, "
            f"no detector can be expected to reach more than F1 {figure(ceiling, np.nan)}"
        )

    def write(self, folder: Path) -> None:
        """Write the means over seeds as benchmark.csv, .json and .md, and measurements.csv, what they are means of."""
        write_csv(self.table, folder / TABLE_FILE)
        write_csv(self.measurements, folder / "measurements.csv")
        write_json(folder / "benchmark.json", self.to_json())
        with replacing(folder / "benchmark.md") as file:
            file.write("\n".join(self._markdown()) + "\n")

    def to_json(self) -> dict[str, object]:
        """Return the content of benchmark.json; numbers have 6 significant digits."""
        content: dict[str, object] = {"format_version": FORMAT_VERSION} | {
            name: getattr(self, name) for name in ("data", "n_examples", "noises", "losses", "detectors", "seeds")
        }
        content["table"] = [
            {name: row[name] for name in (*KEYS, "n_seeds", "n_errors")}
            | {"means": {metric: _mean(row, metric) for metric in METRICS}}
            | {"differences": {metric: _mean(row, f"{metric}_difference") for metric in PAIRED_METRICS}}
            | {"f1_ceiling": None if np.isnan(row["f1_ceiling"]) else row["f1_ceiling"]}
            for row in self.averages.to_dict("records")
        ]
        content["measurements"] = records(self.measurements)
        content["failures"] = [{"cell": cell, "reason": reason} for cell, reason in self.failures.items()]
        content |= {"missing": self.missing, "notes": self.notes}
        return {key: rounded(value) for key, value in content.items()}

    def _markdown(self) -> Iterator[str]:
        """Yield the lines of benchmark.md: one section a noise, one line a detector and loss."""
        yield f"# {in_markdown(self.data)}, {self.n_examples:,} examples"
        yield ""
        for note in self.notes:
            yield f"- {in_markdown(note)}"
        yield from ("", LEGEND) if self.notes else (LEGEND,)
        for noise, rows in self.figures().groupby("noise", sort=False):
            yield from ("", f"## {in_markdown(str(noise))}", "", *Table(COLUMNS, rows).markdown())
            if note := self.note(str(noise)):
                yield from ("", in_markdown(note))
        if self.failures:
            yield from ("", "## Failed", "")
            yield from (f"- {in_markdown(cell)}: {in_markdown(reason)}" for cell, reason in self.failures.items())
        if self.missing:
            yield from ("", "## Not done yet", "")
            yield from (f"- {in_markdown(cell)}" for cell in self.missing)


def judge(
    detections: Mapping[str, Detection], evidence: Evidence, true_labels: TrueLabels, **about: object
) -> list[Row]:
    """Return one row of measurements for each detector.

    Args:
        detections: by detector, of the N rows of ``evidence``.
        evidence: N scored examples.
        true_labels: (N,) indices; below K they are those of the classes of ``evidence``.
        about: noise, loss, seed, ``fold_seconds`` and the ceiling of F1.
    """
    label_errors: Mask = true_labels != evidence.given_labels
    accuracy = float((evidence.pred_probs.argmax(axis=1) == true_labels).mean())
    return [
        dataclasses.asdict(quality(detection.flagged, detection.label_quality, label_errors))
        | {"detector": detector, "out_of_fold_accuracy": accuracy}
        | about
        for detector, detection in detections.items()
    ]


def in_order(rows: Iterable[Row], **order: Sequence[object]) -> pd.DataFrame:
    """Return rows of ``judge`` as one data frame, sorted by noise, detector, loss and seed in the orders given."""
    frame = pd.DataFrame(list(rows), columns=MEASUREMENT_COLUMNS).astype(_DTYPES)
    places = {name: {value: place for place, value in enumerate(values)} for name, values in order.items()}
    return frame.sort_values(
        [*KEYS, "seed"], key=lambda column: column.map(places[str(column.name)]), ignore_index=True
    )


def figure(value: float, half_width: float, *, digits: int = 3, sign: str = "") -> str:
    """Return a mean as text: ``0.931 ± 0.012``, without an interval that is NaN."""
    if np.isnan(value):
        return NONE
    mean = f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # without -0.000
    return mean if np.isnan(half_width) else f"{mean} ± {half_width:.{digits}f}"


def _mean(row: Mapping[Any, Any], name: str) -> dict[str, object] | None:
    n_seeds, half_width = row[f"{name}_seeds"], row[f"{name}_interval"]
    if not n_seeds:
        return None
    return {"value": row[name], "half_width": half_width if n_seeds > 1 else None, "n_seeds": n_seeds}
