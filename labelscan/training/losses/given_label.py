"""Losses that depend on the probability p of the given label alone.

Of the asymmetric ones (agce, aul, ael) one label that prevails among the possible labels of an example decides: as long
as right labels outnumber each kind of wrong ones, their minimum is that of clean data.
"""

import math

import torch
from torch import Tensor

from labelscan.registry import check_option
from labelscan.training.losses.per_example import PerExampleLoss, log_prob_of_given, one_minus_prob_of_given

LOG_OF_ZERO = math.log(1e-4)
"""Stands for log 0 in reverse cross-entropy, where the given label says that a class is impossible."""


class CrossEntropy(PerExampleLoss):
    """The negative log-probability of the given label, ``-log p``."""

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return -log_prob_of_given(logits, given_labels)


def focal(log_p: Tensor, gamma: float) -> Tensor:
    """Return ``-(1 - p) ** gamma * log p`` for log-probabilities of any shape, its factor held constant."""
    # expm1 keeps the digits that 1 - p loses when p is close to 1.
    return -(-log_p.detach().expm1()).pow(gamma) * log_p


class Focal(PerExampleLoss):
    """Cross-entropy that favours hard examples, ``-(1 - p) ** gamma * log p``, so wrong labels above all.

    The factor ``(1 - p) ** gamma`` is held constant: its own gradient is NaN at p = 1 with gamma below 1.
    Source: Lin et al., ICCV 2017, arXiv:1708.02002, which trains with gamma = 2.

    Args:
        gamma: how much hard examples are favoured; 0 is cross-entropy.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        check_option(0 <= gamma < math.inf, gamma, "gamma", "at least 0")
        self.gamma = gamma

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return focal(log_prob_of_given(logits, given_labels), self.gamma)


class Blurry(PerExampleLoss):
    """Cross-entropy that gives hard examples little weight, ``-(p ** gamma) * log p``.

    Bounded by ``1 / (gamma * e)``. Its full gradient pushes p *down* where ``p < exp(-1 / gamma)``; with the weight
    ``p ** gamma`` held constant it only weakens and never changes sign. The paper's text reads as the full gradient;
    held constant is our default, since the full gradient with a short delay can ruin a run.
    Source: Pellegrino, Szczecina and Fieguth, arXiv:2511.16512, which searches gamma from 0.1 to 0.6 and
    delays from 0 to 8 of 10 epochs.

    Args:
        gamma: how much less hard examples count; 0 is cross-entropy.
        detach_weight: whether the weight is held constant.
    """

    default_delay = 0.4

    def __init__(self, gamma: float = 0.3, detach_weight: bool = True) -> None:
        super().__init__()
        check_option(0 <= gamma < math.inf, gamma, "gamma", "at least 0")
        self.gamma = gamma
        self.detach_weight = detach_weight

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        log_p = log_prob_of_given(logits, given_labels)
        weight = (log_p * self.gamma).exp()
        return -(weight.detach() if self.detach_weight else weight) * log_p

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn: at p = 1 / K the full gradient already points away."""
        if self.detach_weight or self.gamma * math.log(n_classes) <= 1:
            return ""
        return (
            f"with gamma {self.gamma:g} the gradient pushes labels away below p = {math.exp(-1 / self.gamma):.3g}, "
            f"and an untrained model of {n_classes} classes starts at p = {1 / n_classes:.3g}"
        )


class PiecewiseZero(PerExampleLoss):
    """Cross-entropy where the given label has probability of at least ``cutoff``, else 0.

    Zeroed examples stay in the denominator when a batch is averaged. At probability ``cutoff`` itself the loss
    still counts.
    Source: Pellegrino, Szczecina and Fieguth, arXiv:2511.16512, which searches cut-offs from 0.005 to 0.2.

    Args:
        cutoff: probability below which an example is left alone, in [0, 1); 0 is cross-entropy.
    """

    default_delay = 0.4

    def __init__(self, cutoff: float = 0.05) -> None:
        super().__init__()
        check_option(0 <= cutoff < 1, cutoff, "cutoff", "in [0, 1)")
        self.cutoff = cutoff
        self.log_cutoff = math.log(cutoff) if cutoff > 0 else -math.inf

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, -log cutoff], not averaged."""
        log_p = log_prob_of_given(logits, given_labels)
        return -log_p.where(log_p >= self.log_cutoff, log_p.new_zeros(()))

    def stalls(self, n_classes: int) -> str:
        """Return why fresh weights would not learn: at p = 1 / K every example is below the cut-off."""
        if self.cutoff < 1 / n_classes:
            return ""
        return (
            f"an untrained model of {n_classes} classes starts at p = {1 / n_classes:.3g}, "
            f"where a cutoff of {self.cutoff:g} leaves no gradient"
        )


class GeneralizedCrossEntropy(PerExampleLoss):
    """Cross-entropy that gives up on labels it cannot fit, ``(1 - p ** q) / q``.

    Cross-entropy as q approaches 0, and 1 - p (half the L1 error) at q = 1.
    Source: Zhang and Sabuncu, NeurIPS 2018, arXiv:1805.07836, which trains with q = 0.7.

    Args:
        q: in (0, 1].
    """

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        check_option(0 < q <= 1, q, "q", "in (0, 1]")
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1 / q], not averaged."""
        # expm1 keeps the digits that 1 - p ** q loses when p is close to 1.
        return -torch.expm1(self.q * log_prob_of_given(logits, given_labels)) / self.q


class MeanAbsoluteError(PerExampleLoss):
    """Half the L1 distance between the probabilities and the given label, ``1 - p``.

    Symmetric: its values for all K labels of an example add up to a constant, so uniform label noise does not move its
    minimum. It learns slowly, and more so the more classes there are.
    Source: Ghosh, Kumar and Sastry, AAAI 2017, arXiv:1712.09482.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return one_minus_prob_of_given(logits, given_labels)


class ReverseCrossEntropy(PerExampleLoss):
    """The cross-entropy of the given label under the prediction, ``9.2103 * (1 - p)``.

    That is ``-sum_k p_k log l_k``, l_k being 1 at the given label and 1e-4 in place of 0 elsewhere.
    Source: Wang et al., ICCV 2019, arXiv:1908.06112, which uses it only together with cross-entropy.
    """

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return -LOG_OF_ZERO * one_minus_prob_of_given(logits, given_labels)


class TaylorCrossEntropy(PerExampleLoss):
    """The series of -log p about p = 1 up to its term t, ``sum_{i = 1 .. t} (1 - p) ** i / i``.

    Between the mean absolute error (t = 1) and cross-entropy (t without end).
    Source: Feng et al., IJCAI 2020, "Can Cross Entropy Loss Be Robust to Label Noise?", which searches t from 2 to 6.

    Args:
        t: number of terms.
    """

    def __init__(self, t: int = 2) -> None:
        super().__init__()
        check_option(t >= 1, t, "t", "at least 1")
        self.t = t

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        """Return (B,) float32 losses in [0, 1 + 1 / 2 + ... + 1 / t], not averaged."""
        rest = one_minus_prob_of_given(logits, given_labels)
        total = torch.zeros_like(rest)
        for i in range(self.t, 0, -1):
            total = rest * (1 / i + total)
        return total


class AsymmetricGeneralizedCrossEntropy(PerExampleLoss):
    """Generalized cross-entropy with p moved away from 0, ``((a + 1) ** q - (a + p) ** q) / q``.

    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = .6, q = .6 on CIFAR and with a = 4, q = .2
    on MNIST.

    Args:
        a: above 0; near 0 it is gce.
        q: above 0.
    """

    def __init__(self, a: float = 0.6, q: float = 0.6) -> None:
        super().__init__()
        check_option(0 < a < math.inf, a, "a", "above 0")
        check_option(0 < q < math.inf, q, "q", "above 0")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a + 1) ** self.q
        return (at_one - (self.a + p).pow(self.q)) / self.q


class AsymmetricUnhinged(PerExampleLoss):
    """A power of the distance of p from a point beyond 1, ``((a - p) ** q - (a - 1) ** q) / q``.

    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 5.5, q = 3 on CIFAR and with a = 3, q = .1
    on MNIST.

    Args:
        a: above 1.
        q: above 0; 1 is mae.
    """

    def __init__(self, a: float = 5.5, q: float = 3.0) -> None:
        super().__init__()
        check_option(1 < a < math.inf, a, "a", "above 1")
        check_option(0 < q < math.inf, q, "q", "above 0")
        self.a = a
        self.q = q

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        p = log_prob_of_given(logits, given_labels).exp()
        at_one: float = (self.a - 1) ** self.q
        return ((self.a - p).pow(self.q) - at_one) / self.q


class AsymmetricExponential(PerExampleLoss):
    """The exponential of the probability of the given label, ``exp(-p / a)``.

    Source: Zhou et al., ICML 2021, arXiv:2106.03110, which trains with a = 2.5 on CIFAR and with a = 3.5 on MNIST.

    Args:
        a: above 0; the larger, the more it is like mae.
    """

    def __init__(self, a: float = 2.5) -> None:
        super().__init__()
        check_option(0 < a < math.inf, a, "a", "above 0")
        self.a = a

    def forward(self, logits: Tensor, given_labels: Tensor) -> Tensor:
        return (-log_prob_of_given(logits, given_labels).exp() / self.a).exp()
