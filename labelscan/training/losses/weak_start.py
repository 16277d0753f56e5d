"""A check that a loss can train fresh weights: the most robust losses hardly pull where p is low.

With many classes every p starts low, at 1 / K. If a loss then pulls far less than it does later, and ever less as p
falls, the classes that are learned first take all the force, and the others never catch up. Measured with the small
CNN on pairs of digits as classes: mae learned 38 of 100 of them, gce with q = 0.7 learned 99, and mae after a start
with cross-entropy all.
"""

import torch
from torch import Tensor, nn

from labelscan.errors import ConfigError

SMALL_SHARE = 0.3
"""Less of the largest pull is too little at the start: mae has 0.36 of it with 10 classes, which it learns, and 0.25
with 15."""
FADES = 0.015
"""A pull fades if less of it is left at a hundredth of p: 0.01 is left if it is proportional to p, 0.04 for gce."""


def weak_start(loss: nn.Module, n_classes: int) -> str:
    """Return why fresh weights would not learn all classes under ``loss``, or an empty string."""
    start = 1 / n_classes
    pulls = _pulls(loss, torch.cat([torch.tensor([start, start / 100]), torch.linspace(start, 0.99, 99)]), n_classes)
    if not pulls.isfinite().all():
        raise ConfigError(
            "wrong-loss",
            "its gradient is not finite with these options",
            where="training.loss",
            hint="see labelscan list losses",
        )
    share = (pulls[0] / pulls.max()).item()
    if share >= SMALL_SHARE or pulls[1] > FADES * pulls[0]:
        return ""
    return (
        f"an untrained model of {n_classes} classes starts at p = {start:.3g}, where the loss pulls {share:.0%} "
        f"as hard as at most and less the lower p: classes that fall behind would never be learned"
    )


def _pulls(loss: nn.Module, p: Tensor, n_classes: int) -> Tensor:
    """Return (M,) slopes downhill in the given logit, where that label has probability p and the others the rest."""
    others = ((1 - p) / (n_classes - 1))[:, None].expand(-1, n_classes - 1)
    with torch.enable_grad():
        logits = torch.cat([p[:, None], others], dim=1).log().requires_grad_()
        loss(logits, torch.zeros(len(p), dtype=torch.int64)).sum().backward()
    assert logits.grad is not None
    return -logits.grad[:, 0]
