"""How well labels are judged by one opinion, by two, and after a few decisions, on evidence that is there already.

    python tests/bench/judgement.py NAME=SOURCE [NAME=SOURCE+SOURCE ...] [--decisions 25 50 100] [--top 100]

A SOURCE is what ``judges.py`` reads: the folder of a labelscan run on data with true labels, or arrays. Several, joined
by ``+``, are opinions about the same examples, in the same order or with the same ids, and are pooled. Prints two
Markdown tables: F1 of the default, of cleanlab's best filter and of the best cut of the ranking in hindsight, with the
estimated number of wrong labels; and the same after simulated decisions on the measured sample, means over draws. With
``--top`` the labels most likely wrong are decided besides, as by an ordinary review.
"""

import argparse
from pathlib import Path

import numpy as np
from judges import FILTERS, judged, read
from numpy.typing import NDArray

from labelscan.arrays import Mask, Strings
from labelscan.correction.judging import judge_by
from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.interval import Measurement
from labelscan.detection.decisions.measured_sample import draw_sample
from labelscan.detection.decisions.rescoring import kept_log_odds, rescore
from labelscan.detection.detectors import detect_all
from labelscan.detection.evidence import Evidence
from labelscan.detection.metrics import quality
from labelscan.detection.pooling import pool
from labelscan.detection.protocol import POSTERIOR, Detections
from labelscan.runs.files import RUN_FILE
from labelscan.runs.record import RunRecord

Floats = NDArray[np.float64]


def main() -> None:
    """Judge everything and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", metavar="NAME=SOURCE")
    parser.add_argument("--decisions", nargs="*", type=int, default=[25, 50, 100])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--top", type=int, default=0)
    arguments = parser.parse_args()
    sets, of_images = {}, {}
    for text in arguments.sources:
        name, _, joined = text.partition("=")
        paths = [Path(path) for path in joined.split("+")]
        sets[name], of_images[name] = evidence_of(paths), all(is_of_images(path) for path in paths)
    columns = "F1 | cleanlab's best | best cut | wrong | told | range | flagged | precision | claimed"
    print(f"| set | {columns} |\n|{' --- |' * 10}")
    detections = {}
    for name, (evidence, label_errors) in sets.items():
        detections[name] = detect_all(evidence, POSTERIOR)
        print(f"| {name} | {without_decisions(evidence, label_errors, detections[name])} |", flush=True)
    print(f"\n{arguments.draws} draws, and the {arguments.top} labels most likely wrong decided besides\n")
    columns = "decisions | F1 | best cut | told / true | interval holds | width / true | claimed - true precision"
    print(f"| set | {columns} |\n|{' --- |' * 8}")
    for name, (evidence, label_errors) in sets.items():
        for n_decided in arguments.decisions:
            drawn = [n_decided, arguments.top, arguments.draws]
            number = number_by_agreement(evidence, detections[name], of_images=of_images[name])
            cells = with_decisions(evidence, label_errors, detections[name], *drawn, number)
            print(f"| {name} | {n_decided} | {cells} |", flush=True)


def evidence_of(paths: list[Path]) -> tuple[Evidence, Mask]:
    """Return the pooled evidence of all sources, and (N,) whether the labels are wrong."""
    found = [read(path) for path in paths]
    first, label_errors = found[0]
    aligned = [first]
    for other, _ in found[1:]:
        row_of = {example_id: row for row, example_id in enumerate(other.example_ids)}
        aligned.append(other[np.array([row_of[example_id] for example_id in first.example_ids])])
    return pool([path.stem for path in paths], aligned), label_errors


def without_decisions(evidence: Evidence, label_errors: Mask, detections: Detections) -> str:
    """Return the cells of the first table."""
    n, flagged, error_probability = len(evidence), detections.lead.flagged, detections.error_probability
    filters = max(judged(each, evidence, label_errors).f1 for each in FILTERS)
    estimated = detections.wrong_labels
    precision = label_errors[flagged].mean() if flagged.any() else 1
    claimed = error_probability[flagged].mean() if flagged.any() else 1
    return " | ".join(
        [
            f"{f1_of(detections, label_errors):.3f}",
            f"{filters:.3f}",
            f"{best_cut(detections.lead.label_quality, label_errors):.3f}",
            f"{label_errors.mean():.3f}",
            f"{estimated.estimate / n:.3f}",
            f"{estimated.low / n:.3f} to {estimated.high / n:.3f}",
            f"{flagged.mean():.3f}",
            f"{precision:.2f}",
            f"{claimed:.2f}",
        ]
    )


def is_of_images(path: Path) -> bool:
    """Return whether a source is a run on images."""
    return (path / RUN_FILE).is_file() and RunRecord.read(path).data.kind == "images"


def number_by_agreement(evidence: Evidence, detections: Detections, *, of_images: bool) -> float | None:
    """Return how many labels are wrong by the agreement of models, None where that does not tell, as a run does."""
    return judge_by(None, detections, evidence, {}, of_images=of_images, seed=0).number_by_agreement


def with_decisions(
    evidence: Evidence,
    label_errors: Mask,
    detections: Detections,
    n_decided: int,
    n_top: int,
    n_draws: int,
    number: float | None,
) -> str:
    """Return the cells of the second table: means over the draws in which decisions measure something."""
    n_wrong, rows = int(label_errors.sum()), []
    at_least = max(n_wrong, 1)
    for seed in range(n_draws):
        ids, drawn = evidence.example_ids, {"seed": seed, "n_top": n_top}
        judged, measurement = decide(detections, ids, label_errors, n_decided, number=number, **drawn)
        if measurement is None:
            continue
        estimated, precision, flagged = measurement.n_wrong(), measurement.precision(), judged.lead.flagged
        holds = estimated.low <= n_wrong <= estimated.high
        claim = precision.estimate - label_errors[flagged].mean() if precision else 0
        width = (estimated.high - estimated.low) / at_least
        rows.append((f1_of(judged, label_errors), estimated.estimate / at_least, holds, width, claim))
    f1, told_share, holds, width, claim = np.mean(rows, axis=0)
    deviation = np.std([row[1] for row in rows])
    best = best_cut(detections.lead.label_quality, label_errors)
    return f"{f1:.3f} | {best:.3f} | {told_share:.2f} +- {deviation:.2f} | {holds:.2f} | {width:.2f} | {claim:+.2f}"


def decide(
    detections: Detections,
    example_ids: Strings,
    says_wrong: Mask,
    n_decided: int,
    *,
    seed: int,
    n_top: int = 0,
    number: float | None = None,
) -> tuple[Detections, Measurement | None]:
    """Return N labels re-scored by the first decisions on a measured sample, and what these measure.

    ``says_wrong`` is (N,) what a person would say of each label; the ``n_top`` most likely wrong are decided besides;
    ``number`` are wrong by the agreement of models.
    """
    log_odds = kept_log_odds(detections)
    sample = draw_sample(example_ids, log_odds, seed=seed)
    index = np.union1d(sample.index[:n_decided], np.argsort(-log_odds, kind="stable")[:n_top])
    decided = DecidedLabels(index=index, is_wrong=says_wrong[index])
    return rescore(detections, decided, drawn=sample.drawn(decided), number_by_agreement=number)


def f1_of(detections: Detections, label_errors: Mask) -> float:
    """Return the F1 of the list."""
    return quality(detections.lead.flagged, detections.lead.label_quality, label_errors).f1


def best_cut(label_quality: Floats, label_errors: Mask) -> float:
    """Return the F1 of the best cut of a ranking, known only in hindsight."""
    order = np.argsort(label_quality, kind="stable")
    found = np.cumsum(label_errors[order])
    return float((2 * found / (np.arange(1, len(order) + 1) + label_errors.sum())).max())


if __name__ == "__main__":
    main()
