"""Mean absolute error: every example counts by the same slope in its probability."""

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, one_minus_prob_of_given


class MeanAbsoluteError(PerExampleLoss):
    """Half the L1 distance between the probabilities and the given label, ``1 - p``.

    Symmetric: its values for all K labels of an example add up to a constant, so uniform label noise does not move its
    minimum. It learns slowly, and more so the more classes there are.
    Source: Ghosh, Kumar and Sastry, AAAI 2017, arXiv:1712.09482.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return one_minus_prob_of_given(logits, given_labels)
