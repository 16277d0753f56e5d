"""Dropout for the CPU that draws four masks from one random number.

Torch draws one random number for each value, which takes a tenth of the training time of a network with a wide
dropout layer. 16 bits are enough: the share that is dropped is exact to 1 in 65,536.
"""

import torch
from torch import Tensor, nn

LEVELS = 2**16
DRAWS_A_NUMBER = 4


class FastDropout(nn.Dropout):
    """``nn.Dropout`` with another sequence of draws from the same distribution."""

    def forward(self, values: Tensor) -> Tensor:
        dense = values.is_contiguous() or values.is_contiguous(memory_format=torch.channels_last)
        if not self.training or not 0 < self.p < 1 or self.inplace or values.device.type != "cpu" or not dense:
            return super().forward(values)
        numbers = torch.empty(-(-values.numel() // DRAWS_A_NUMBER), dtype=torch.int64)
        numbers.random_(torch.iinfo(torch.int64).min, None)
        # Laid out in memory as the values are, so that both are read without jumps.
        draws = numbers.view(torch.int16).as_strided(values.size(), values.stride())
        kept = draws >= round(self.p * LEVELS) - LEVELS // 2
        return values * kept.to(values.dtype).mul_(1 / (1 - self.p))


def speed_up_dropout(network: nn.Module) -> None:
    """Replace every plain dropout layer of ``network``, in place."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = FastDropout
