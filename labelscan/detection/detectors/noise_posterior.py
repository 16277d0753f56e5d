"""Noise posterior: the probability that a given label is wrong, and a cut-off that needs no threshold.

A noisy channel turns true labels into given ones (``detection.noise_channel``). Fitted to out-of-fold probabilities it
says how many labels are wrong; which ones also depends on the probabilities from training. The flags are the set with
the highest expected F1.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from labelscan.arrays import GivenLabels, Mask, PredProbs, TrainProbs
from labelscan.detection.estimates import Range
from labelscan.detection.evidence import Evidence
from labelscan.detection.noise_channel import Examples, calibrate, error_log_odds, fit_channel
from labelscan.detection.protocol import Detection
from labelscan.registry import check_option

Floats = NDArray[np.float64]

FORGIVEN = 4
"""Probabilities from training lose this power of the share of memorised labels from their weight: a sixteenth of it
if half of them are memorised."""
WIDEST_SHIFT = 60.0
"""The largest shift of log-odds either way: e ** 60 is beyond the odds that any finite data set could show."""


@dataclass(frozen=True)
class NoisePosterior:
    """Error probabilities under a channel fitted to the predictions.

    *How many* labels are wrong depends on what makes a model doubt. If the doubt is all its own, the likeliest channel
    is right, and few labels are wrong; if wrong labels in training made it doubt, the truth is ``kappa`` times as sharp
    as the calibrated model, and many are. The same probabilities fit both, so the exponent that sharpens them is
    between the two: at the first for a ``label_doubt`` of 0, at the second for 1.

    *Which* labels are wrong is ranked by the geometric mean of the out-of-fold probabilities and those from training,
    if the run has them: they average several models, and a model whose loss or augmentation keeps it from memorising
    wrong labels still doubts them; the more it memorises, the less they weigh. Being in-sample they understate the
    number of errors, so their log-odds are shifted until the expected number is that of the out-of-fold
    probabilities. For the ranking the exponent is ``kappa`` times the calibrated one.

    Source: the expectation maximisation of Dawid and Skene (1979), the classifier in the place of further annotators.

    Args:
        kappa: how much sharper than the calibrated model the truth is if wrong labels cause all doubt, in (0, 10].
        label_doubt: share of the doubt that wrong labels cause, in [0, 1]; for what was measured see
            tests/bench/RESULTS.md.
        in_sample: whether to use probabilities from training, if there are any.
        max_steps: the most steps of expectation maximisation.
    """

    kappa: float = 2.0
    label_doubt: float = 0.25
    in_sample: bool = True
    max_steps: int = 30

    def __post_init__(self) -> None:
        check_option(0 < self.kappa <= 10, self.kappa, "kappa", "above 0 and at most 10")
        check_option(0 <= self.label_doubt <= 1, self.label_doubt, "label_doubt", "in [0, 1]")
        check_option(self.max_steps >= 1, self.max_steps, "max_steps", "at least 1")

    def detect(self, evidence: Evidence) -> Detection:
        """Return error probabilities, their complement as label quality, and the flags of highest expected F1.

        Uninformative probabilities, all uniform, still flag labels; the health checks of the summary report that.
        """
        held_out = Examples(evidence.given_labels, evidence.pred_probs)
        channel = fit_channel(held_out, self._exponent(held_out), max_steps=self.max_steps)
        log_odds = error_log_odds(held_out, channel)
        error_probability = expit(log_odds)
        if self.in_sample and evidence.train_probs is not None:
            weight = _weight_of_training(evidence.given_labels, evidence.pred_probs, evidence.train_probs)
            both = Examples(evidence.given_labels, evidence.pred_probs, evidence.train_probs, weight)
            exponent = self.kappa * calibrate(both.enough_for_an_exponent())
            seen = fit_channel(both, exponent, max_steps=self.max_steps, start=channel.refitted)
            log_odds = error_log_odds(both, seen)
            error_probability = expecting(float(error_probability.sum()), log_odds)
        n_wrong = float(error_probability.sum())
        return Detection(
            label_quality=1 - error_probability,
            flagged=highest_expected_f1(error_probability),
            error_probability=error_probability,
            error_log_odds=log_odds,
            wrong_labels=Range(n_wrong, n_wrong / 2, min(2 * n_wrong, len(evidence))),
            noise_matrix=np.ascontiguousarray(channel.refitted.T),
        )

    def _exponent(self, examples: Examples) -> float:
        """Return the exponent between the likeliest one and the one for which wrong labels cause all doubt."""
        examples = examples.enough_for_an_exponent()
        calibrated = calibrate(examples)
        if self.label_doubt == 1:
            return self.kappa * calibrated
        likeliest = fit_channel(examples, calibrated, max_steps=2 * self.max_steps, fit_exponent=True).exponent
        return float(likeliest ** (1 - self.label_doubt) * (self.kappa * calibrated) ** self.label_doubt)


def _weight_of_training(given_labels: GivenLabels, pred_probs: PredProbs, train_probs: TrainProbs) -> float:
    """Return the weight of probabilities from training: 1/2 if nothing was memorised, 0 if everything was.

    Memorised is the share of the given labels that held-out predictions miss which those in training do not miss.
    """
    missed = 1 - float((pred_probs.argmax(axis=1) == given_labels).mean())
    missed_in_training = 1 - float((train_probs.argmax(axis=1) == given_labels).mean())
    memorised = min(max(1 - missed_in_training / missed, 0.0), 1.0) if missed else 0.0
    return (1 - memorised**FORGIVEN) / 2


def expecting(n_errors: float, log_odds: Floats) -> Floats:
    """Return (N,) error probabilities that sum to ``n_errors``, all log-odds being shifted by the same amount."""

    def surplus(shift: float) -> float:
        return float(expit(log_odds + shift).sum()) - n_errors

    if surplus(-WIDEST_SHIFT) >= 0:
        shift = -WIDEST_SHIFT
    elif surplus(WIDEST_SHIFT) <= 0:
        shift = WIDEST_SHIFT
    else:
        shift = brentq(surplus, -WIDEST_SHIFT, WIDEST_SHIFT, xtol=1e-9)
    return cast(Floats, expit(log_odds + shift))


def highest_expected_f1(error_probability: Floats) -> Mask:
    """Return the (N,) flags whose expected F1 is highest, given the probabilities that labels are wrong.

    The expected F1 of the k likeliest errors is ``2 * (sum of theirs) / (k + sum of all)``; one more raises it exactly
    if its probability is above half of it. Flagging nothing is right if no label is wrong: so nothing is flagged if
    the probability of that exceeds the F1, as in a clean data set whose probabilities are all tiny.
    """
    descending = np.sort(error_probability)[::-1]
    sums = np.cumsum(descending)
    best = float(np.max(2 * sums / (np.arange(1, len(sums) + 1) + sums[-1])))
    if float(np.prod(1 - descending)) >= best:
        return np.zeros(len(error_probability), dtype=bool)
    return error_probability > best / 2
