"""How often what decisions measure holds, in simulated worlds whose models are good, weak, or wrong in some way.

    python tests/bench/coverage.py [--kinds good ...] [--examples 3000] [--draws 60] [--decisions 50] [--reviews 200]

Each draw makes a world anew, decides the first labels of its measured sample, and re-scores all others as a run does.
Prints a Markdown table with a row for each kind of model, over rates of wrong labels from 0 to .6: how often the 95 %
intervals of their number, of the precision of the list and of the share found by it hold, and how long the first is.
Then reviews of a list and of the sample, in three orders and in batches of 25: how often a batch makes the interval of
the number longer by more than a tenth, the most by which one does, and how often it holds.
"""

import argparse
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
from judgement import decide
from numpy.typing import NDArray
from scipy.special import expit
from worlds import KINDS, RATES, Floats, a_world

from labelscan.arrays import Index, Mask, as_strings
from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.interval import n_wrong
from labelscan.detection.decisions.measured_sample import MeasuredSample, draw_sample
from labelscan.detection.decisions.rescoring import LEAST_DECISIONS
from labelscan.detection.detectors.noise_posterior import error_probability_of, highest_expected_f1
from labelscan.detection.estimates import Range
from labelscan.detection.protocol import POSTERIOR, Detection, Detections

REVIEWED_RATES = (0.01, 0.05, 0.1, 0.2)
BATCH, LONGEST_LIST, LONGEST_SAMPLE = 25, 150, 100
GROWTH = 1.1
NOTHING = 1e-9


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rates", nargs="*", type=float, default=RATES)
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--decisions", type=int, default=50)
    parser.add_argument("--reviews", type=int, default=200)
    arguments = parser.parse_args()
    parts = [f"{what}, {how}" for what in ("number", "precision", "found") for how in ("least", "mean")]
    print(f"| model | {' | '.join([*parts, 'length / N', 'length / number'])} |\n|{' --- |' * 9}")
    for kind in arguments.kinds:
        print(f"| {kind} | {coverage(kind, arguments)} |", flush=True)
    print("\n| order | batches that measure | longer by a tenth | most | holds after each | at the end |")
    print(f"|{' --- |' * 6}")
    for order in ORDERS if arguments.reviews else ():
        print(f"| {order} | {reviews(order, arguments.reviews, arguments.examples)} |", flush=True)


def coverage(kind: str, arguments: argparse.Namespace) -> str:
    """Return the cells of a kind of model in the first table."""
    by_rate = pd.DataFrame(
        pd.DataFrame(
            [draw(kind, rate, arguments.examples, arguments.decisions, seed) for seed in range(arguments.draws)]
        ).mean()
        for rate in arguments.rates
    )
    least, mean = by_rate.min(), by_rate.mean()
    shares = [f"{value:.2f}" for pair in zip(least[:3], mean[:3], strict=True) for value in pair]
    return " | ".join([*shares, f"{mean[3]:.3f}", f"{mean[4]:.2f}"])


def draw(kind: str, rate: float, n: int, n_decided: int, seed: int) -> list[float]:
    """Return whether the three intervals hold, and the length of the first by N and by the number; NaN for none."""
    log_odds, is_wrong = a_world(kind, rate, n, seed)
    judged, measurement = decide(judgements(log_odds), ids(n), is_wrong, n_decided, seed=seed)
    if measurement is None:
        return [np.nan] * 5
    listed, n_errors = judged.lead.flagged, int(is_wrong.sum())
    n_found, count, precision = int((listed & is_wrong).sum()), measurement.n_wrong(), measurement.precision()
    length = count.high - count.low
    return [
        holds(count, n_errors),
        holds(precision, n_found / int(listed.sum())) if precision else np.nan,
        holds(measurement.found(), n_found / n_errors if n_errors else 1),
        length / n,
        length / n_errors if n_errors else np.nan,
    ]


def holds(interval: Range, truth: float) -> bool:
    """Return whether the truth is in an interval."""
    return interval.low - NOTHING <= truth <= interval.high + NOTHING


def ids(n: int) -> NDArray[np.object_]:
    """Return (N,) ids of examples."""
    return as_strings([str(row) for row in range(n)])


def judgements(log_odds: Floats) -> Detections:
    """Return what noise-posterior says with these (N,) log-odds, as many labels being wrong as they say."""
    count = float(expit(log_odds).sum())
    error_probability, wrong_labels = error_probability_of(log_odds, count), Range(count, count, count)
    lead = Detection(
        label_quality=1 - error_probability,
        flagged=highest_expected_f1(error_probability),
        error_probability=error_probability,
        error_log_odds=log_odds,
        wrong_labels=wrong_labels,
    )
    return Detections(
        leading=POSTERIOR,
        by_name={POSTERIOR: lead},
        error_probability=error_probability,
        error_log_odds=log_odds,
        wrong_labels=wrong_labels,
        noise_matrix=np.eye(2),
    )


def _in_turn(listed: Index, sample: Index) -> list[int]:
    starts = range(0, max(len(listed), len(sample)), BATCH)
    return [row for start in starts for part in (listed, sample) for row in part[start : start + BATCH].tolist()]


ORDERS: dict[str, Callable[[Index, Index], list[int]]] = {
    "list first": lambda listed, sample: [*listed.tolist(), *sample.tolist()],
    "sample first": lambda listed, sample: [*sample.tolist(), *listed.tolist()],
    "in turn": _in_turn,
}
"""In which order the rows of a list and of a sample are decided."""


def reviews(order: str, n_reviews: int, n: int) -> str:
    """Return the cells of an order in the second table; kinds of models and rates take turns."""
    growth, holding, at_the_end = [], [], []
    for seed in range(n_reviews):
        kind, rate = list(KINDS)[seed % len(KINDS)], REVIEWED_RATES[seed // len(KINDS) % len(REVIEWED_RATES)]
        log_odds, is_wrong = a_world(kind, rate, n, seed)
        sample, listed = draw_sample(ids(n), log_odds, seed=seed), np.argsort(-log_odds, kind="stable")
        listed = listed[: min(LONGEST_LIST, int(judgements(log_odds).lead.flagged.sum()))]
        rows = list(dict.fromkeys(ORDERS[order](listed, sample.index[:LONGEST_SAMPLE])))
        said = [after(rows[:stop], sample, is_wrong) for stop in range(BATCH, len(rows) + BATCH, BATCH)]
        measured = [one for one in said if one is not None]
        lengths = [one.high - one.low for one in measured]
        growth += [new / old if old else float(new > 0) for old, new in pairwise(lengths)]
        holding += [holds(one, int(is_wrong.sum())) for one in measured]
        at_the_end += [holds(one, int(is_wrong.sum())) for one in measured[-1:]]
    longer = np.mean(np.array(growth) > GROWTH)
    return f"{len(holding)} | {longer:.4f} | {max(growth):.2f} | {np.mean(holding):.3f} | {np.mean(at_the_end):.3f}"


def after(rows: list[int], sample: MeasuredSample, is_wrong: Mask) -> Range | None:
    """Return how many labels are wrong once these rows are decided; None where that is not said."""
    index = np.array(rows, dtype=np.int64)
    decided = DecidedLabels(index=index, is_wrong=is_wrong[index])
    drawn = sample.drawn(decided)
    if len(drawn) < LEAST_DECISIONS or decided.is_wrong.all():
        return None
    low, high = n_wrong(drawn, decided, np.ones(len(is_wrong), dtype=bool))
    return Range(low, low, high)


if __name__ == "__main__":
    main()
