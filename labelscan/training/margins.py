"""Margins and probabilities of the training examples, collected while a model trains on them.

Pleiss et al., NeurIPS 2020 (arXiv:2001.10528) rank examples by the area under the margin: wrong labels are learned
late and against the pull of their neighbours, so their margin stays low. The probabilities are the same idea for all
classes, over the later epochs only, since at first a model knows little. Neither needs another pass over the data.
"""

import torch
from torch import Tensor

FLOOR = -12.0
"""Lower log-probabilities count as this: one extreme epoch must not decide a mean over many."""


class TrainMargins:
    """The mean over epochs of (given logit - largest other logit), and over later epochs of all log-probabilities.

    In-sample by design: they come from models that train on the example. Probabilities count from the epoch
    ``probs_from`` on, the first being 0.
    """

    def __init__(self, n_examples: int, device: torch.device, *, probs_from: int = 0) -> None:
        self.probs_from = probs_from
        self.total = torch.zeros(n_examples, device=device)
        self.log_probs = torch.zeros(n_examples, 0, device=device)  # as wide as the logits, once they are seen
        self.n_epochs = 0

    def add(self, positions: Tensor, logits: Tensor, given_labels: Tensor) -> None:
        """Add the (B, K) logits of one batch, whose examples stand at ``positions`` among the training examples."""
        logits = logits.detach().float()
        given = logits.gather(1, given_labels[:, None])
        others = logits.scatter(1, given_labels[:, None], -torch.inf).amax(dim=1)
        self.total[positions] += given[:, 0] - others
        if self.n_epochs < self.probs_from:
            return
        if self.log_probs.shape[1] != logits.shape[1]:
            self.log_probs = logits.new_zeros(len(self.total), logits.shape[1])
        self.log_probs[positions] += logits.log_softmax(dim=1).clamp(min=FLOOR)

    def end_epoch(self) -> None:
        """Close a pass over all training examples."""
        self.n_epochs += 1

    def state(self) -> dict[str, object]:
        """Return what ``restore`` takes."""
        return {"total": self.total, "log_probs": self.log_probs, "n_epochs": self.n_epochs}

    def restore(self, total: Tensor, log_probs: Tensor, n_epochs: int) -> None:
        """Go on where another object was when it returned its ``state``."""
        self.total, self.log_probs = total.to(self.total.device), log_probs.to(self.total.device)
        self.n_epochs = n_epochs

    def mean(self) -> Tensor:
        """Return (T,) float32 mean margins, in logits."""
        return self.total / max(self.n_epochs, 1)

    def probs(self) -> Tensor:
        """Return (T, K) float32 probabilities: geometric means over the later epochs, rows summing to 1."""
        return (self.log_probs / max(self.n_epochs - self.probs_from, 1)).softmax(dim=1)
