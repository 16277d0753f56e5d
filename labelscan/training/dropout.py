"""Dropout for the CPU that draws four masks from one random number.

Torch draws one number of its generator for each value; in a network with a wide dropout layer that is a tenth of the
training time. 16 bits are enough for a mask: the share that is left out is exact to 1 in 65,536.
"""

import torch
from torch import Tensor, nn

LEVELS = 2**16
DRAWS_A_NUMBER = 4


class FastDropout(nn.Dropout):
    """``nn.Dropout`` with another sequence of draws from the same distribution."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the values with a random share ``p`` of them 0 and the others scaled by 1 / (1 - p), in training."""
        dense = values.is_contiguous() or values.is_contiguous(memory_format=torch.channels_last)
        if not self.training or not 0 < self.p < 1 or self.inplace or values.device.type != "cpu" or not dense:
            return super().forward(values)
        numbers = torch.empty(-(-values.numel() // DRAWS_A_NUMBER), dtype=torch.int64)
        numbers.random_(torch.iinfo(torch.int64).min, None)
        # In the order in which the values lie in memory, so that both are gone through without jumps.
        draws = numbers.view(torch.int16).as_strided(values.size(), values.stride())
        kept = draws >= round(self.p * LEVELS) - LEVELS // 2
        return values * kept.to(values.dtype).mul_(1 / (1 - self.p))


def speed_up_dropout(network: nn.Module) -> None:
    """Let every plain dropout layer of ``network`` draw its masks the fast way."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = FastDropout
