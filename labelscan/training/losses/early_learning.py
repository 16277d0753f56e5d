"""Early-learning regularization: a model is held to what it predicted before it could overfit the example."""

import copy
import math

import torch
from torch import Tensor, nn

from labelscan.registry import check_option
from labelscan.training.losses.per_example import at_given, log_probs
from labelscan.training.losses.published import ByClasses

LEAST_PROB = 1e-4


class EarlyLearning(nn.Module):
    """Cross-entropy and a pull towards earlier predictions of the same example, ``ce + strength * log(1 - <p, t>)``.

    t, one row for each example, is the running mean of the model's own predictions: it starts at 0 and is updated to
    ``beta * t + (1 - beta) * p / sum p`` each time before the example's loss is taken; no gradient flows through it.
    p is clamped to [1e-4, 1 - 1e-4], here and in the mean. Every training has a t of its own, made by ``begin``.
    Source: Liu et al., NeurIPS 2020, arXiv:2007.00151; beta and strength are .7 and 3 on CIFAR-10 (.9 and 1 where its
    errors are class-dependent), .9 and 7 on CIFAR-100.

    Args:
        beta: how slowly t follows, in [0, 1).
        strength: of the pull; 0 is cross-entropy.
    """

    default_delay = 0.0
    by_classes = ByClasses({10: {"beta": 0.7, "strength": 3}, 100: {"beta": 0.9, "strength": 7}})
    targets: Tensor

    def __init__(self, beta: float = 0.7, strength: float = 3.0) -> None:
        super().__init__()
        check_option(0 <= beta < 1, beta, "beta", "in [0, 1)")
        check_option(0 <= strength < math.inf, strength, "strength", "at least 0")
        self.beta = beta
        self.strength = strength
        self.register_buffer("targets", torch.zeros(0, 0))  # saved with the state of this module

    def begin(self, n_examples: int, n_classes: int, device: torch.device) -> "EarlyLearning":
        begun = copy.deepcopy(self)
        begun.targets = torch.zeros(n_examples, n_classes, device=device)
        return begun

    def forward(self, logits: Tensor, given_labels: Tensor, positions: Tensor) -> Tensor:
        """Return (B,) float32 losses of at least ``strength * log 1e-4``; no position may occur twice."""
        log_p = log_probs(logits)
        p = log_p.exp().clamp(LEAST_PROB, 1 - LEAST_PROB)
        said = p.detach() / p.detach().sum(dim=1, keepdim=True)
        targets = self.beta * self.targets[positions] + (1 - self.beta) * said
        self.targets[positions] = targets.to(self.targets.dtype)
        return -at_given(log_p, given_labels) + self.strength * torch.log1p(-(p * targets).sum(dim=1))

    def stalls(self, n_classes: int) -> str:  # noqa: ARG002
        return ""  # with nothing remembered it begins as cross-entropy does
