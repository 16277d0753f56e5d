"""Running logit margin of every training example, gathered from the training pass itself.

Pleiss et al., NeurIPS 2020 (arXiv:2001.10528) rank examples by the area under this margin: wrong labels are
learned late and against the pull of their neighbours, so their margin stays low.
"""

import torch
from torch import Tensor


class TrainMargins:
    """The mean over epochs of (given logit - largest other logit) for each training example.

    In-sample by design: it comes from models that train on the example.

    Args:
        n_examples: number of training examples.
        device: where the logits are.
    """

    def __init__(self, n_examples: int, device: torch.device) -> None:
        self.total = torch.zeros(n_examples, device=device)
        self.n_epochs = 0

    def add(self, positions: Tensor, logits: Tensor, given_labels: Tensor) -> None:
        """Take in the logits of one batch.

        Args:
            positions: (B,) int64, where the examples stand among the training examples.
            logits: (B, K) floating point.
            given_labels: (B,) int64.
        """
        logits = logits.detach().float()
        given = logits.gather(1, given_labels[:, None])
        others = logits.scatter(1, given_labels[:, None], -torch.inf).amax(dim=1)
        self.total[positions] += given[:, 0] - others

    def end_epoch(self) -> None:
        """Count one more pass over all training examples."""
        self.n_epochs += 1

    def mean(self) -> Tensor:
        """Return (n_examples,) float32 mean margins, in logits."""
        return self.total / max(self.n_epochs, 1)
