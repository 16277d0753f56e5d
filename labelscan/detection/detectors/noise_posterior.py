"""Noise posterior: the probability that a given label is wrong, and a cut-off that needs no threshold.

Two questions are answered apart. *Which* labels are wrong: a noisy channel that turns true labels into given ones
(``detection.channel``), fitted to the probabilities, ranks them. *How many* are wrong: one model's probabilities
cannot tell, since a model's own doubt looks like that of the labels, so there is a range and a point in it; the
agreement of several opinions (``detection.annotators``) makes it narrower. The flags are the set with the highest
expected F1.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from labelscan.arrays import GivenLabels, Mask
from labelscan.detection.annotators import find_agreement
from labelscan.detection.channel import calibrate, error_log_odds, fit_channel
from labelscan.detection.estimates import Range
from labelscan.detection.evidence import Evidence
from labelscan.detection.examples_by_class import Examples
from labelscan.detection.protocol import Detection
from labelscan.registry import check_option

Floats = NDArray[np.float64]

COLUMNS_DOUBT = 0.5
"""Share of the doubt that wrong labels cause where models saw columns of a table."""
FORGIVEN = 4
"""Probabilities from training lose this power of the share of overfit labels from their weight: a sixteenth of it
if half of them are overfit."""
CERTAINTY = 0.5
"""Log-odds are multiplied by this before their number is adjusted: on data with real errors, how often a label was
wrong rose half as steeply (tests/bench/RESULTS.md)."""
MARGIN = 1.25
"""The range of a count goes beyond what was estimated by this factor."""
ONE_WAY = (0.2, 0.4)
"""Agreement counts from the first share of missed labels that go one way, and in full from the second."""
WIDEST_SHIFT = 60.0
"""The largest shift of log-odds either way: e ** 60 is beyond the odds that any finite data set could show."""


@dataclass(frozen=True)
class NoisePosterior:
    """Error probabilities under a channel fitted to the predictions.

    *Which* labels are wrong is ranked with all doubt of the model taken for that of the labels: the truth is ``kappa``
    times as sharp as the calibrated model. If the run has probabilities from training, the ranking is by the geometric
    mean of both: they average several models, and a model whose loss or augmentation keeps it from overfitting wrong
    labels still doubts them; the more it overfits, the less they weigh.

    *How many* are wrong is seldom less than what the likeliest channel says, for which all doubt that follows the
    example is the model's own. With one opinion the number is between that and the one for ``kappa``, and
    ``label_doubt`` says where; held-out labels missed by a model that fits them in training show a weak model, so doubt
    is then taken for its own. With several opinions the number is what their agreement says, as far as it is believed,
    and for the rest that of their pool. It is believed to the share on which models agree, but not of columns, and
    where labels are missed one way by models that explain few. The ranking's log-odds are shifted to that number.

    Sources: Dawid and Skene (1979), with a classifier in the place of further annotators in the channel, and with
    several classifiers as annotators in the count.

    Args:
        kappa: how much sharper than the calibrated model the truth is if wrong labels cause all doubt, in (0, 10].
        label_doubt: share of the doubt that wrong labels cause, in [0, 1], where the model does not overfit. Default:
            1, and 0.5 where models saw columns of a table. For what was measured see tests/bench/RESULTS.md.
        in_sample: whether to use probabilities from training, if there are any.
        max_steps: the most steps of expectation maximisation.
    """

    kappa: float = 2.0
    label_doubt: float | None = None
    in_sample: bool = True
    max_steps: int = 30

    def __post_init__(self) -> None:
        check_option(0 < self.kappa <= 10, self.kappa, "kappa", "above 0 and at most 10")
        if self.label_doubt is not None:
            check_option(0 <= self.label_doubt <= 1, self.label_doubt, "label_doubt", "in [0, 1]")
        check_option(self.max_steps >= 1, self.max_steps, "max_steps", "at least 1")

    def detect(self, evidence: Evidence) -> Detection:
        """Return error probabilities, their complement as label quality, and the flags of highest expected F1.

        Uninformative probabilities, all uniform, still flag labels; the health checks of the summary report that.
        """
        held_out = Examples(evidence.given_labels, evidence.pred_probs)
        few = held_out.enough_for_an_exponent()
        calibrated = calibrate(few)
        likeliest = fit_channel(few, calibrated, max_steps=2 * self.max_steps, fit_exponent=True)
        overfit = _share_overfit(evidence) if self.in_sample else 0.0
        by_kind = COLUMNS_DOUBT if evidence.from_columns else 1.0
        label_doubt = by_kind if self.label_doubt is None else self.label_doubt
        share = label_doubt * (1 - overfit) ** 2
        exponent = likeliest.exponent ** (1 - share) * (self.kappa * calibrated) ** share
        fewest = float(expit(error_log_odds(few, likeliest)).mean() * len(evidence))
        del likeliest, few  # they take gigabytes where there are thousands of classes
        channel = fit_channel(held_out, exponent, max_steps=self.max_steps)
        by_one = expit(error_log_odds(held_out, channel))
        wrong_labels = _count(evidence, by_one, fewest)
        noise_rate = max(float(by_one.mean()), 1 / len(evidence))
        log_odds = self._ranking(evidence, held_out, overfit, self.kappa * calibrated, channel.refitted, noise_rate)
        error_probability = error_probability_of(log_odds, wrong_labels.estimate)
        return Detection(
            label_quality=1 - error_probability,
            flagged=highest_expected_f1(error_probability),
            error_probability=error_probability,
            error_log_odds=log_odds,
            wrong_labels=wrong_labels,
            noise_matrix=np.ascontiguousarray(channel.refitted.T),
        )

    def _ranking(
        self,
        evidence: Evidence,
        held_out: Examples,
        overfit: float,
        exponent: float,
        start: Floats,
        noise_rate: float,
    ) -> Floats:
        """Return the log-odds that rank the labels, by held-out probabilities and those from training."""
        examples = held_out
        if self.in_sample and evidence.train_probs is not None:
            weight = (1 - overfit**FORGIVEN) / 2
            examples = Examples(evidence.given_labels, evidence.pred_probs, evidence.train_probs, weight)
            exponent = self.kappa * calibrate(examples.enough_for_an_exponent())
        steps = self.max_steps
        channel = fit_channel(examples, exponent, max_steps=steps, noise_rate=noise_rate, start=start)
        return error_log_odds(examples, channel)


def _share_overfit(evidence: Evidence) -> float:
    """Return which share of the given labels that held-out predictions miss those in training do not miss."""
    if evidence.train_probs is None:
        return 0.0
    missed = 1 - float((evidence.pred_probs.argmax(axis=1) == evidence.given_labels).mean())
    missed_in_training = 1 - float((evidence.train_probs.argmax(axis=1) == evidence.given_labels).mean())
    return min(max(1 - missed_in_training / missed, 0.0), 1.0) if missed else 0.0


def _count(evidence: Evidence, by_one: Floats, fewest: float) -> Range:
    """Return how many labels are wrong.

    ``by_one`` are (N,) error probabilities by the pooled probabilities alone; ``fewest`` are wrong by the likeliest
    channel, as far as predictions and labels agree: that of a weak model takes most of its own doubt for wrong labels.
    """
    predicted = evidence.pred_probs.argmax(axis=1)
    n_missed = int((predicted != evidence.given_labels).sum())
    if not evidence.members:
        estimate, most = float(by_one.sum()), float(n_missed)
    else:
        confidence = evidence.pred_probs.max(axis=1).astype(np.float64)
        members = [one.pred_probs for one in evidence.members]
        strata, wrong, trust = find_agreement(evidence.given_labels, confidence, members)
        if evidence.from_columns:  # their models agree nearly everywhere, which tells little
            trust = np.zeros_like(trust)
        trust = np.maximum(trust, _trust_in_one_way(evidence.given_labels, predicted))
        sizes = np.bincount(strata)
        rates = trust * wrong + (1 - trust) * np.bincount(strata, weights=by_one) / sizes
        estimate, most = float(rates @ sizes), MARGIN * float(wrong @ sizes)
    low = (1 - n_missed / len(evidence)) * min(fewest, estimate) / MARGIN
    return Range(estimate, low, min(max(most, MARGIN * estimate), len(evidence)))


def _trust_in_one_way(given_labels: GivenLabels, predicted: NDArray[np.int64]) -> float:
    """Return how far to believe agreement since what the predictions miss of N given labels goes one way.

    Labels that are missed as often from one class to another as back are mostly hard examples; labels missed one way
    were often wrong, the more so if the predictions are hardly better than naming the commonest class. The latter is 1
    minus the lambda of Goodman and Kruskal (1954). What it gains and costs: ``tests/bench/RESULTS.md``.
    """
    n_missed = int((predicted != given_labels).sum())
    if not n_missed:
        return 0.0
    n_classes = int(max(predicted.max(), given_labels.max())) + 1
    n_given, n_predicted = (np.bincount(labels, minlength=n_classes) for labels in (given_labels, predicted))
    not_explained = min(n_missed / max(len(given_labels) - int(n_given.max()), 1), 1.0)
    one_way = np.abs(n_given - n_predicted).sum() / 2 / n_missed
    return not_explained * float(np.interp(one_way, ONE_WAY, (0, 1)))


def error_probability_of(log_odds: Floats, n_wrong: float) -> Floats:
    """Return (N,) error probabilities that sum to ``n_wrong``, in the order of the ``log_odds`` of noise-posterior."""
    log_odds = CERTAINTY * log_odds

    def surplus(shift: float) -> float:
        return float(expit(log_odds + shift).sum()) - n_wrong

    if surplus(-WIDEST_SHIFT) >= 0:
        shift = -WIDEST_SHIFT
    elif surplus(WIDEST_SHIFT) <= 0:
        shift = WIDEST_SHIFT
    else:
        shift = brentq(surplus, -WIDEST_SHIFT, WIDEST_SHIFT, xtol=1e-9)
    return cast(Floats, expit(log_odds + shift))


def highest_expected_f1(error_probability: Floats) -> Mask:
    """Return the (N,) flags whose expected F1 is highest, given the probabilities that labels are wrong."""
    return error_probability > least_flagged(error_probability)


def least_flagged(error_probability: Floats) -> float:
    """Return the probability above which labels are flagged, so that the expected F1 is highest; 1 where none is.

    The expected F1 of the k likeliest errors is ``2 * (sum of theirs) / (k + sum of all)``; one more raises it exactly
    if its probability is above half of it. Flagging nothing is right if no label is wrong: so nothing is flagged if
    the probability of that exceeds the F1, as in a clean data set whose probabilities are all tiny.
    """
    descending = np.sort(error_probability)[::-1]
    sums = np.cumsum(descending)
    best = float(np.max(2 * sums / (np.arange(1, len(sums) + 1) + sums[-1])))
    if float(np.prod(1 - descending)) >= best:
        return 1.0
    return best / 2
