"""Mean absolute error: every example counts by the same slope in its probability."""

from torch import Tensor, nn

from labelscan.training.losses.cross_entropy import one_minus_prob_of_given
from labelscan.training.losses.weak_start import weak_start


class MeanAbsoluteError(nn.Module):
    """Half the L1 distance between the probabilities and the given label, ``1 - p``.

    Symmetric: its values for all K labels of an example add up to a constant, so that uniformly wrong labels do not
    move its minimum. It learns slowly, the more so the more classes there are.
    Source: Ghosh, Kumar and Sastry, AAAI 2017, arXiv:1712.09482.
    """

    default_delay = 0.0

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1], not averaged.

        Args:
            logits: (B, K) floating point, before softmax.
            given_labels: (B,) int64 in [0, K).
        """
        return one_minus_prob_of_given(logits, given_labels)

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn all of many classes."""
        return weak_start(self, n_classes)
