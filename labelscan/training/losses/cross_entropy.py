"""Cross-entropy: the loss that fits wrong labels as hard as right ones."""

from torch import Tensor

from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given


class CrossEntropy(PerExampleLoss):
    """The negative log-probability of the given label, ``-log p``."""

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return -log_prob_of_given(logits, given_labels)

    def stalls(self, n_classes: int) -> str:  # noqa: ARG002
        return ""
