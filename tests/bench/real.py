"""Real wrong labels: labelscan's defaults beside cleanlab's filters, one row a data set, so that others can repeat it.

    python tests/bench/real.py DATA OUTPUT [--only NAME ...] [--seeds 0 1 2]

DATA is the folder of the development data. OUTPUT/SEED/NAME gets a run with the defaults on each set, and
OUTPUT/SEED/usual what the user's usual model predicts out of fold: TF-IDF and logistic regression for texts, a random
forest for tables and features, a linear layer on frozen features for images. What is complete stays. Two models of
others (resnet18 and twins_pcpvt_base) judge 20,000 images besides; the first is the usual one.

Prints a Markdown table: F1 of cleanlab's default filter and of the best of all its filters, on the usual model and on
the probabilities of the run; then of labelscan's list before and after 50 decisions (means over 20 measured samples),
its precision, the number told by the true number, average precision and the best cut in hindsight. Figures are means
over seeds; the last row is the mean of all sets with errors. Where no label is wrong, only what is flagged counts.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from data_sets import PLANTED, RealSet, sets_with_truth
from judgement import best_cut, decide, evidence_of, f1_of, is_of_images, number_by_agreement
from judges import FILTERS, judged, read
from weak import DEFAULT_FILTER, predictions

from labelscan.arrays import Mask
from labelscan.detection.detectors import detect_all
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import quality
from labelscan.detection.protocol import POSTERIOR
from labelscan.results.issues import SCORES_FILE

OF_OTHERS = {
    "human_aggre": "published; labels by three people",
    "human_worst": "published; the worst of three people",
    "synthetic20": PLANTED,
}
DECISIONS, DRAWS = 50, 20
MOST = 10_000_000
COLUMNS = (
    "wrong",
    "usual model: default filter",
    "best filter",
    "our probabilities: default filter",
    "best filter",
    "labelscan",
    "50 decisions",
    "flagged",
    "precision",
    "told / true",
    "AP",
    "best cut",
)


def main() -> None:
    """Make what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    print(f"| set | truth by | N | classes | {' | '.join(COLUMNS)} |\n|{' --- |' * (4 + len(COLUMNS))}", flush=True)
    means = []
    for name, truth, judged_by_seed in rows(arguments):
        first = judged_by_seed[0][0]
        figures = pd.DataFrame([row_of(*evidence) for evidence in judged_by_seed], columns=range(len(COLUMNS)))
        means.append(figures.mean())
        print(f"| {name} | {truth} | {len(first):,} | {len(first.class_names)} | {written(means[-1])} |", flush=True)
    with_errors = [one for one in means if one[0]]
    print(f"| mean of {len(with_errors)} with errors | | | | {written(pd.DataFrame(with_errors).mean())} |")


def written(figures: pd.Series) -> str:
    """Return the cells of figures, empty where one says nothing."""
    return " | ".join("" if np.isnan(figure) else f"{figure:.3f}" for figure in figures)


Judged = tuple[Evidence, Mask, bool, Evidence, Mask]
"""Evidence and errors of a run, whether it is of images, and the same of the usual model."""


def rows(arguments: argparse.Namespace) -> Iterator[tuple[str, str, list[Judged]]]:
    """Yield the name of each set, how its truth came about, and what is judged for each seed."""
    for one in sets_with_truth(arguments.data, arguments.output / "tables"):
        if not arguments.only or one.name in arguments.only:
            yield one.name, one.truth, [made(one, arguments.output / str(seed), seed) for seed in arguments.seeds]
    for name, truth in OF_OTHERS.items():
        if not arguments.only or name in arguments.only:
            paths = sorted((arguments.data / "real_probs").glob(f"*{name}*.npz"))
            yield name, truth, [(*evidence_of(paths), True, *evidence_of(paths[:1]))]


def made(one: RealSet, output: Path, seed: int) -> Judged:
    """Return what a run and the usual model say of a set, made where it is not there yet."""
    folder = output / one.name
    detect(one, folder, seed)
    of_images = is_of_images(folder)
    usual = output / "usual" / (one.name if of_images else f"{one.name}.npz")
    if of_images:
        detect(one, usual, seed, "--model", "efficientnet-lite0", "--loss", "ce")
    elif not usual.is_file():
        usual.parent.mkdir(parents=True, exist_ok=True)
        np.savez(usual, **predictions(one.data, one.options, MOST, seed))
    return *evidence_of([folder]), of_images, *read(usual)


def detect(one: RealSet, folder: Path, seed: int, *options: str) -> None:
    """Make a run that is not there yet."""
    if not (folder / SCORES_FILE).is_file():
        command = [sys.executable, "-m", "labelscan", "detect", str(one.data), *one.options, *options]
        start = time.perf_counter()
        subprocess.run([*command, "--seed", str(seed), "-o", str(folder), "-q"], check=True, stdout=subprocess.DEVNULL)
        print(f"{folder}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def row_of(evidence: Evidence, label_errors: Mask, of_images: bool, usual: Evidence, usual_errors: Mask) -> list[float]:
    """Return the figures of ``COLUMNS``; NaN where no label is wrong and they say nothing."""
    detections = detect_all(evidence, POSTERIOR)
    number = number_by_agreement(evidence, detections, of_images=of_images)
    flagged, told, n_wrong = detections.lead.flagged, detections.wrong_labels.estimate, int(label_errors.sum())
    if not n_wrong:
        return [0, *[np.nan] * 6, float(flagged.mean()), *[np.nan] * 4]
    filters = [filtered(usual, usual_errors), filtered(evidence, label_errors)]
    after = [
        f1_of(
            decide(detections, evidence.example_ids, label_errors, DECISIONS, seed=seed, number=number)[0], label_errors
        )
        for seed in range(DRAWS)
    ]
    found = quality(flagged, detections.lead.label_quality, label_errors)
    return [
        float(label_errors.mean()),
        *(f1[name] for f1 in filters for name in (DEFAULT_FILTER, max(f1, key=f1.__getitem__))),
        found.f1,
        float(np.mean(after)),
        float(flagged.mean()),
        found.precision,
        told / n_wrong,
        found.average_precision or 0.0,
        best_cut(detections.lead.label_quality, label_errors),
    ]


def filtered(evidence: Evidence, label_errors: Mask) -> dict[str, float]:
    """Return F1 of each of cleanlab's filters."""
    return {name: judged(name, evidence, label_errors).f1 for name in FILTERS}


if __name__ == "__main__":
    main()
