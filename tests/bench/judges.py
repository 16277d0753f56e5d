"""How well each cut finds known wrong labels, on out-of-fold probabilities that are there already.

    python tests/bench/judges.py FOLDER [FOLDER ...] [--judges noise-posterior:label_doubt=1 ...]

A FOLDER holds pred_probs.npy, given_labels.npy and true_labels.npy, or is the folder of a labelscan run on data
with true labels; an .npz file with these arrays does as well. Prints one Markdown table: a row for each cut, a
column for each folder and one for their mean, F1 of the flags / average precision of the ranking in each cell.
"""

import argparse
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.data.probabilities import probabilities_from_arrays
from labelscan.detection.detectors import DETECTORS
from labelscan.detection.detectors.confident_learning import FilterBy
from labelscan.detection.evidence import FILE_NAME as EVIDENCE_FILE
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import DetectionQuality, quality
from labelscan.errors import LabelscanError
from labelscan.results.issues import SCORES_FILE, TRUE_LABEL, Issues

FILTERS = tuple(f"confident-learning:filter_by={name}" for name in get_args(FilterBy))
SHARES = ("0", "0.25", "0.5", "1")
JUDGES = ("noise-posterior", *FILTERS)
"""What a run can be judged by, each with its default options."""
CUTS = (
    *FILTERS,
    "noise-posterior:label_doubt=1,in_sample=false",
    "noise-posterior:in_sample=false",
    *(f"noise-posterior:label_doubt={share}" for share in SHARES),
)
ARRAYS = ("pred_probs", "given_labels", "true_labels")


def main() -> None:
    """Judge all folders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--judges", nargs="+", default=CUTS, metavar="DETECTOR")
    arguments = parser.parse_args()
    try:
        print(table(arguments.folders, arguments.judges))
    except LabelscanError as error:
        parser.error(str(error))


def table(folders: list[Path], judges: list[str]) -> str:
    """Return the Markdown table."""
    cells: dict[str, list[DetectionQuality]] = {judge: [] for judge in judges}
    for folder in folders:
        evidence, label_errors = read(folder)
        for judge in judges:
            cells[judge].append(judged(judge, evidence, label_errors))
    names = [folder.stem if folder.is_file() else folder.resolve().name for folder in folders]
    headers = ["F1 / AP", *names, *(["mean"] if len(folders) > 1 else [])]
    lines = [f"| {' | '.join(headers)} |", f"|{' --- |' * len(headers)}"]
    for judge, row in cells.items():
        figures = [(one.f1, np.nan if one.average_precision is None else one.average_precision) for one in row]
        means = [tuple(np.mean(figures, axis=0))] if len(folders) > 1 else []
        lines.append(f"| {' | '.join([judge, *(f'{f1:.3f} / {ap:.3f}' for f1, ap in [*figures, *means])])} |")
    return "\n".join(lines)


def judged(judge: str, evidence: Evidence, label_errors: Mask) -> DetectionQuality:
    """Return how well a detector with its options does.

    Args:
        judge: as in ``noise-posterior:kappa=3``.
        evidence: N examples.
        label_errors: (N,) what is wrong.
    """
    detection = DETECTORS.build(judge).detect(evidence)
    return quality(detection.flagged, detection.label_quality, label_errors)


def read(folder: Path) -> tuple[Evidence, Mask]:
    """Return the evidence in a folder or npz file, and (N,) whether its labels are wrong."""
    if (folder / EVIDENCE_FILE).is_file():
        evidence = Evidence.read(folder / EVIDENCE_FILE)
        return evidence, true_errors(Issues.read(folder / SCORES_FILE), evidence)
    arrays = _arrays(folder)
    probabilities = probabilities_from_arrays(*(arrays[name] for name in ARRAYS[:2]), name=str(folder))
    dataset, true_labels = probabilities.dataset, arrays["true_labels"]
    evidence = Evidence(
        pred_probs=probabilities.pred_probs,
        given_labels=dataset.given_labels,
        class_names=dataset.class_names,
        example_ids=dataset.example_ids,
        index=np.arange(len(dataset)),
        fold_names=np.full(len(dataset), "", dtype=object),
    )
    if true_labels.shape != dataset.given_labels.shape:
        raise LabelscanError(
            "of-a-test", f"{len(true_labels):,} true labels for {len(dataset):,} examples", where=str(folder)
        )
    return evidence, true_labels != dataset.given_labels


def true_errors(issues: Issues, evidence: Evidence) -> Mask:
    """Return (N,) whether the labels of the evidence of a run are wrong."""
    scores = issues.scores.set_index("example_id")
    if TRUE_LABEL not in scores:
        raise LabelscanError("of-a-test", "the run knows no true labels", where=SCORES_FILE)
    wrong = scores["given_label"] != scores[TRUE_LABEL]
    return wrong.loc[list(evidence.example_ids)].to_numpy(bool)


def _arrays(folder: Path) -> dict[str, NDArray[np.generic]]:
    try:
        if folder.is_file():
            with np.load(folder, allow_pickle=False) as archive:
                return {name: archive[name] for name in ARRAYS}
        return {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS}
    except (OSError, KeyError, ValueError) as error:
        raise LabelscanError(
            "of-a-test", f"{error}", where=str(folder), hint=f"it must hold {', '.join(ARRAYS)}"
        ) from error


if __name__ == "__main__":
    main()
