"""Whether what is said of real labels is true: before anybody decides, after 50 decisions, and label by label.

    python tests/bench/real_sets.py RUN [RUN ...] [--clean RUN ...] [--decisions 50] [--draws 20] [--mistakes 0.02]

A RUN is the folder of a labelscan run on data with true labels; of those after ``--clean`` all labels are taken to be
right. Their evidence is judged anew. Prints two Markdown tables. The first has a row for each run: how many labels are
wrong, and at least and at most by the models; then, over simulated measurements, how often the 95 % intervals hold and
how long that of the number is, also where a share of the decisions is mistaken. The second compares the error
probabilities, without decisions, with the share of labels that is wrong, by kind of data.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from coverage import holds
from judgement import Floats, decide, f1_of, number_by_agreement
from judges import read

from labelscan.arrays import Mask
from labelscan.detection.detectors import detect_all
from labelscan.detection.evidence import FILE_NAME, Evidence
from labelscan.detection.protocol import POSTERIOR, Detections
from labelscan.results.wrong_labels import estimate_wrong_labels
from labelscan.runs.record import RunRecord

N_BINS = 10
COLUMNS = (
    "set | kind | N | wrong | at least | at most | F1 | F1 after | number holds | precision holds | found holds | "
    "length / N | number holds, mistakes | length / N, mistakes | F1 after, mistakes"
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--clean", nargs="*", type=Path, default=[], metavar="RUN")
    parser.add_argument("--decisions", type=int, default=50)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--mistakes", type=float, default=0.02)
    arguments = parser.parse_args()
    by_kind: dict[str, list[tuple[Floats, Mask]]] = defaultdict(list)
    print(f"| {COLUMNS} |\n|{' --- |' * 15}")
    for folder in [*arguments.runs, *arguments.clean]:
        is_clean = folder in arguments.clean
        evidence, label_errors = without_errors(folder) if is_clean else read(folder)
        kind = "tables" if evidence.from_columns else RunRecord.read(folder).data.kind
        detections = detect_all(evidence, POSTERIOR)
        by_kind["clean " * is_clean + kind].append((detections.error_probability, label_errors))
        cells = without_decisions(evidence, label_errors, detections, of_images=kind == "images")
        for mistakes in (0, arguments.mistakes):
            number = number_by_agreement(evidence, detections, of_images=kind == "images")
            rows = [
                with_decisions(evidence, label_errors, detections, arguments.decisions, mistakes, seed, number)
                for seed in range(arguments.draws)
            ]
            f1, in_interval, precision, found, length = pd.DataFrame(rows).astype(float).mean()
            others = f" {precision:.2f} | {found:.2f} |"
            cells += (
                f" {in_interval:.2f} | {length:.3f} | {f1:.3f} |"
                if mistakes
                else f" {f1:.3f} | {in_interval:.2f} |{others}"
            )
            cells += "" if mistakes else f" {length:.3f} |"
        print(f"| {folder.name} | {kind} | {cells}", flush=True)
    print(f"\n{reliability(by_kind)}")


def without_errors(folder: Path) -> tuple[Evidence, Mask]:
    """Return the evidence of a run, and that no label is wrong."""
    evidence = Evidence.read(folder / FILE_NAME)
    return evidence, np.zeros(len(evidence), dtype=bool)


def without_decisions(evidence: Evidence, label_errors: Mask, detections: Detections, *, of_images: bool) -> str:
    """Return the cells on what the models say."""
    said = estimate_wrong_labels(detections, by_agreement=bool(evidence.members), of_images=of_images)
    high = "" if said.high is None else f"{said.high:.0f}"
    f1 = f1_of(detections, label_errors)
    return f"{len(evidence):,} | {int(label_errors.sum()):,} | {said.low:.0f} | {high} | {f1:.3f} |"


def with_decisions(
    evidence: Evidence,
    label_errors: Mask,
    detections: Detections,
    n_decided: int,
    mistakes: float,
    seed: int,
    number: float | None,
) -> list[float | None]:
    """Return F1, whether the three intervals hold, and the length of that of the number by N; None for none.

    For the intervals decided labels are what they were decided to be, mistaken or not.
    """
    mistaken = np.random.default_rng(seed).random(len(evidence)) < mistakes
    said = label_errors ^ mistaken
    judged, measurement = decide(detections, evidence.example_ids, said, n_decided, seed=seed, number=number)
    f1, listed, is_wrong = f1_of(judged, label_errors), judged.lead.flagged, label_errors.copy()
    if measurement is None:
        return [f1, None, None, None, None]
    is_wrong[measurement.decided.index] = measurement.decided.is_wrong
    n_wrong = int(is_wrong.sum())
    n_found, count, precision = int((listed & is_wrong).sum()), measurement.n_wrong(), measurement.precision()
    return [
        f1,
        holds(count, n_wrong),
        holds(precision, n_found / int(listed.sum())) if precision else None,
        holds(measurement.found(), n_found / n_wrong if n_wrong else 1),
        (count.high - count.low) / len(evidence),
    ]


def reliability(by_kind: dict[str, list[tuple[Floats, Mask]]]) -> str:
    """Return the Markdown table: in each bin of error probabilities the share of labels that is wrong, and of how many.

    Its last row is the mean probability, and the share that is wrong.
    """
    columns = []
    for judged in by_kind.values():
        probability, is_wrong = (np.concatenate(parts) for parts in zip(*judged, strict=True))
        place = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
        bins = [is_wrong[place == one] for one in range(N_BINS)]
        cells = [f"{one.mean():.2f} of {len(one):,}" if len(one) else "" for one in bins]
        columns.append([*cells, f"{probability.mean():.3f}, {is_wrong.mean():.3f}"])
    names = [*(f"{one / N_BINS:.1f} to {(one + 1) / N_BINS:.1f}" for one in range(N_BINS)), "all: mean, wrong"]
    lines = [f"| error probability | {' | '.join(by_kind)} |", f"|{' --- |' * (1 + len(by_kind))}"]
    lines += [f"| {' | '.join(row)} |" for row in zip(names, *columns, strict=True)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
