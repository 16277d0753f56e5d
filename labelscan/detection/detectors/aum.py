"""AUM: labels whose margin in training stays as low as that of labels known to be wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import Detection
from labelscan.errors import ConfigError
from labelscan.registry import check_option

FEW = 20
"""With fewer threshold examples in a run, their 99th percentile is little more than a guess."""


@dataclass(frozen=True)
class Aum:
    """Flags labels whose margin in training is as low as that of examples relabelled to an extra class.

    Two trainings of its own relabel some examples each. The area under the margin (AUM) of an example is the mean over
    the epochs of its given logit minus the largest other one. The cut of a run is a high percentile of the AUM of
    the examples that it relabelled. Label quality is the logistic function of (AUM - cut) / (standard deviation of
    AUM), so that labels below 1/2 are flagged. In-sample by design: it uses no out-of-fold probability.

    Where ours differs: an example that neither run relabelled is judged by the mean of both; and margins are taken
    over a whole training, whose learning rate falls smoothly, where the paper stops before the first drop. Both runs
    train with cross-entropy, as the paper's do, whatever the loss of the folds, and otherwise as the folds do.

    Source: Pleiss, Zhang, Elenberg and Weinberger, NeurIPS 2020, arXiv:2001.10528.

    Args:
        percentile: of the AUM of relabelled examples, in (0, 100]; the paper uses 99. After few epochs a lower one
            may be better.
    """

    percentile: float = 99.0
    needs_threshold_runs = True

    def __post_init__(self) -> None:
        check_option(0 < self.percentile <= 100, self.percentile, "percentile", "above 0 and at most 100")

    def detect(self, evidence: Evidence) -> Detection:
        """Return label quality and flags, or raise ConfigError for evidence without these runs."""
        margins, is_threshold = evidence.aum_train_margin, evidence.aum_is_threshold
        if margins is None or is_threshold is None:
            raise ConfigError(
                "needs-training",
                "aum needs trainings of its own, which this evidence lacks",
                where="detector",
                hint="use labelscan detect --detector aum",
            )
        distance = np.mean(_distances(margins, is_threshold, self.percentile), axis=1, where=~is_threshold)
        fewest = int(is_threshold.sum(axis=0).min())
        notes = (
            (f"aum's cut is uncertain: it comes from only {fewest} relabelled examples a run",) if fewest < FEW else ()
        )
        return Detection(label_quality=expit(distance), flagged=distance < 0, notes=notes)


def _distances(margins: NDArray[np.float32], is_threshold: NDArray[np.bool_], percentile: float) -> NDArray[np.float64]:
    """Return (N, R) how far above the cut of each run an example is, in standard deviations of the run's AUM."""
    distances = np.zeros(margins.shape)
    for run, (aum, relabelled) in enumerate(zip(margins.T, is_threshold.T, strict=True)):
        aum = aum.astype(np.float64)
        above = aum - np.percentile(aum[relabelled], percentile)
        kept = aum[~relabelled]
        # Where all margins are the same, as after a training that learned nothing, only the side of the cut is known.
        distances[:, run] = above / kept.std() if np.ptp(kept) > 0 else np.sign(above)
    return distances
