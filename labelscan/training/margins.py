"""Margins and probabilities of the training examples, collected while a model trains on them.

Pleiss et al., NeurIPS 2020 (arXiv:2001.10528) rank examples by the area under the margin: wrong labels are learned
late and against the pull of their neighbours, so their margin stays low. The probabilities are the same idea for all
classes, over the later epochs only, since at first a model knows little. Neither needs another pass over the data.
"""

import torch
from torch import Tensor

FLOOR = -12.0
"""Lower log-probabilities count as this: one extreme epoch must not decide a mean over many."""
HOST_FROM = 2**29
"""Bytes of log-probabilities from which on they are added up in the memory of the host: a GPU needs its own for the
network, and a million examples of a thousand classes would take 4 GB of it."""
WAITING_BYTES = 2**26
"""Log-probabilities that wait on a GPU for their copy to the host, which all steps wait for, but this seldom."""
ROWS = 2**14
"""Examples whose probabilities are made at a time."""


class TrainMargins:
    """The mean over epochs of (given logit - largest other logit), and over later epochs of all log-probabilities.

    In-sample by design: they come from models that train on the example. Probabilities count from the epoch
    ``probs_from`` on, the first being 0; they are added up on the host where they take ``host_from`` bytes or more.
    """

    def __init__(
        self,
        n_examples: int,
        device: torch.device,
        *,
        probs_from: int = 0,
        host_from: int = HOST_FROM,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        self.probs_from, self._host_from, self._waiting_bytes = probs_from, host_from, waiting_bytes
        self.total = torch.zeros(n_examples, device=device)
        self.log_probs = torch.zeros(n_examples, 0, device=device)  # as wide as the logits, once they are seen
        self.n_epochs = 0
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def add(self, positions: Tensor, logits: Tensor, given_labels: Tensor) -> None:
        """Add the (B, K) logits of one batch, whose examples stand at ``positions`` among the training examples."""
        logits = logits.detach().float()
        given = logits.gather(1, given_labels[:, None])
        others = logits.scatter(1, given_labels[:, None], -torch.inf).amax(dim=1)
        self.total[positions] += given[:, 0] - others
        if self.n_epochs < self.probs_from:
            return
        n_classes = logits.shape[1]
        if self.log_probs.shape[1] != n_classes:
            self.log_probs = torch.zeros(len(self.total), n_classes, device=self._place(n_classes))
        self._waiting.append((positions, logits.log_softmax(dim=1).clamp(min=FLOOR)))
        n_waiting = sum(len(some) for some, _ in self._waiting)
        if not self._on_host(n_classes) or 4 * n_classes * n_waiting >= self._waiting_bytes:
            self._add_up()

    def end_epoch(self) -> None:
        """Close a pass over all training examples."""
        self._add_up()
        self.n_epochs += 1

    def state(self) -> dict[str, object]:
        """Return what ``restore`` takes."""
        self._add_up()
        return {"total": self.total, "log_probs": self.log_probs, "n_epochs": self.n_epochs}

    def restore(self, total: Tensor, log_probs: Tensor, n_epochs: int) -> None:
        """Go on where another object was when it returned its ``state``."""
        self.total, self.log_probs = total.to(self.total.device), log_probs.to(self._place(log_probs.shape[1]))
        self.n_epochs = n_epochs
        self._waiting.clear()

    def mean(self) -> Tensor:
        """Return (T,) float32 mean margins, in logits."""
        return self.total / max(self.n_epochs, 1)

    def probs(self, *, at_a_time: int = ROWS) -> Tensor:
        """Return (T, K) float16 probabilities on the host: geometric means over the later epochs, summing to 1."""
        n_epochs = max(self.n_epochs - self.probs_from, 1)
        probs = torch.empty(self.log_probs.shape, dtype=torch.float16)
        for start in range(0, len(probs), at_a_time):
            rows = slice(start, start + at_a_time)
            probs[rows] = (self.log_probs[rows] / n_epochs).softmax(dim=1).half()
        return probs

    def _on_host(self, n_classes: int) -> bool:
        return 4 * len(self.total) * n_classes >= self._host_from

    def _place(self, n_classes: int) -> torch.device:
        """Return where the log-probabilities of so many classes are added up."""
        return torch.device("cpu") if self._on_host(n_classes) else self.total.device

    def _add_up(self) -> None:
        """Add what waits, in which no position is twice."""
        if self._waiting:
            positions, log_probs = (
                torch.cat(parts).to(self.log_probs.device) for parts in zip(*self._waiting, strict=True)
            )
            self.log_probs.index_add_(0, positions, log_probs)
            self._waiting.clear()
