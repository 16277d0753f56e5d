"""Noise posterior: the probability that a given label is wrong, and a cut-off that needs no threshold.

A noisy channel turns true labels into given ones (``labelscan.noise_channel``). It is fitted to out-of-fold
probabilities, which say how many labels are wrong; which ones they are is judged by what models said of examples that
they trained on as well. Flags are the set with the highest expected F1.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from labelscan.arrays import GivenLabels, Mask, PredProbs, TrainProbs
from labelscan.detection.evidence import Evidence
from labelscan.detection.noise_channel import Examples, calibrate, error_log_odds, fit_channel
from labelscan.detection.protocol import Detection
from labelscan.errors import ConfigError

Floats = NDArray[np.float64]

FORGIVEN = 4
"""Power of the share of labels learned by heart by which probabilities from training lose their weight: half of the
labels learned so cost a sixteenth of it, all of them all."""
WIDEST_SHIFT = 60.0
"""Largest shift of log-odds, either way: e ** 60 is beyond any odds that a finite data set could show."""


class NoisePosterior:
    """Error probabilities under a channel fitted to the predictions.

    *How many* labels are wrong depends on whose doubt it is that a model voices. If all of it is the model's own, the
    likeliest channel says so, and few labels are wrong; if the labels themselves made the model doubt, the truth is
    ``kappa`` times as sharp as the calibrated model, and many are. The same probabilities fit both, so the exponent
    that they are read with lies between, nearer to the first by ``label_doubt``.

    *Which* labels are wrong is ranked by the geometric mean of the out-of-fold probabilities and those from training,
    where the run has them: they are the word of several models, and a model whose loss or augmentation keeps it from
    learning wrong labels by heart still doubts them; the more it does learn by heart, the less they weigh. Being
    in-sample they say too little of the number of errors: their log-odds are shifted until as many are expected as
    the out-of-fold probabilities say. For the ranking the exponent is ``kappa`` times the calibrated one.

    Source: the expectation maximisation of Dawid and Skene (1979), the classifier in the place of further annotators.

    Args:
        kappa: how much sharper than the calibrated model the truth is where all doubt is the labels', in (0, 10].
        label_doubt: in [0, 1]; 0 takes all doubt for the model's, 1 for the labels'. tests/bench/RESULTS.md has what
            was measured.
        in_sample: whether probabilities from training are used where there are any.
        max_steps: steps of expectation maximisation at most.
    """

    def __init__(
        self, kappa: float = 2.0, label_doubt: float = 0.25, in_sample: bool = True, max_steps: int = 30
    ) -> None:
        where = "detector noise-posterior, option"
        if not 0 < kappa <= 10:
            raise ConfigError(f"must be above 0 and at most 10, got {kappa:g}", where=f"{where} kappa")
        if not 0 <= label_doubt <= 1:
            raise ConfigError(f"must be in [0, 1], got {label_doubt:g}", where=f"{where} label_doubt")
        if max_steps < 1:
            raise ConfigError(f"must be at least 1, got {max_steps}", where=f"{where} max_steps")
        self.kappa = kappa
        self.label_doubt = label_doubt
        self.in_sample = in_sample
        self.max_steps = max_steps

    def detect(self, evidence: Evidence) -> Detection:
        """Return error probabilities, their complement as label quality, and the flags of highest expected F1.

        Probabilities that carry nothing, all uniform, still flag labels; the health checks of the summary say so.
        """
        held_out = Examples(evidence.given_labels, evidence.pred_probs)
        channel = fit_channel(held_out, self._exponent(held_out), max_steps=self.max_steps)
        error_probability = expit(error_log_odds(held_out, channel))
        if self.in_sample and evidence.train_probs is not None:
            weight = _weight_of_training(evidence.given_labels, evidence.pred_probs, evidence.train_probs)
            both = Examples(evidence.given_labels, evidence.pred_probs, evidence.train_probs, weight)
            exponent = self.kappa * calibrate(both.enough_for_an_exponent())
            seen = fit_channel(both, exponent, max_steps=self.max_steps, start=channel.refitted)
            error_probability = _expecting(float(error_probability.sum()), error_log_odds(both, seen))
        return Detection(
            label_quality=1 - error_probability,
            flagged=highest_expected_f1(error_probability),
            error_probability=error_probability,
            noise_matrix=np.ascontiguousarray(channel.refitted.T),
        )

    def _exponent(self, examples: Examples) -> float:
        """Return the exponent between the likeliest one and the one that takes all doubt for the labels'."""
        examples = examples.enough_for_an_exponent()
        calibrated = calibrate(examples)
        if self.label_doubt == 1:
            return self.kappa * calibrated
        likeliest = fit_channel(examples, calibrated, max_steps=2 * self.max_steps, fit_exponent=True).exponent
        return float(likeliest ** (1 - self.label_doubt) * (self.kappa * calibrated) ** self.label_doubt)


def _weight_of_training(given_labels: GivenLabels, pred_probs: PredProbs, train_probs: TrainProbs) -> float:
    """Return the weight of probabilities from training, 1/2 where nothing was learned by heart and 0 where all was.

    What was learned by heart shows in the given labels that held-out predictions miss and training ones do not: the
    share of those.
    """
    missed = 1 - float((pred_probs.argmax(axis=1) == given_labels).mean())
    missed_in_training = 1 - float((train_probs.argmax(axis=1) == given_labels).mean())
    by_heart = min(max(1 - missed_in_training / missed, 0.0), 1.0) if missed else 0.0
    return (1 - by_heart**FORGIVEN) / 2


def _expecting(n_errors: float, log_odds: Floats) -> Floats:
    """Return (N,) error probabilities that sum to ``n_errors``, from log-odds shifted alike."""

    def surplus(shift: float) -> float:
        return float(expit(log_odds + shift).sum()) - n_errors

    if surplus(-WIDEST_SHIFT) >= 0:
        return cast(Floats, expit(log_odds - WIDEST_SHIFT))
    if surplus(WIDEST_SHIFT) <= 0:
        return cast(Floats, expit(log_odds + WIDEST_SHIFT))
    return cast(Floats, expit(log_odds + brentq(surplus, -WIDEST_SHIFT, WIDEST_SHIFT, xtol=1e-9)))


def highest_expected_f1(error_probability: Floats) -> Mask:
    """Return the (N,) flags whose expected F1 is highest, the labels being wrong with these probabilities.

    Of the k likeliest errors, expected F1 is ``2 * (sum of theirs) / (k + sum of all)``; adding one more raises it
    just when its probability is above half of it. To flag nothing is right if no label is wrong: so nothing is
    flagged where the probability of that is above the F1, as in a clean data set whose probabilities are all tiny.
    """
    descending = np.sort(error_probability)[::-1]
    sums = np.cumsum(descending)
    best = float(np.max(2 * sums / (np.arange(1, len(sums) + 1) + sums[-1])))
    if float(np.prod(1 - descending)) >= best:
        return np.zeros(len(error_probability), dtype=bool)
    return error_probability > best / 2
