"""Stored examples as networks see them: float32, centred and scaled; images with their channels first."""

import torch
from torch import Tensor

from labelscan.training.device import Device


class Normalisation:
    """Normalises (B, H, W, C) images or (B, D) features on a device.

    Args:
        mean: of each channel or feature, or of all.
        deviation: the same.
        shape: of one example.
        device: where examples are.
    """

    def __init__(self, mean: Tensor, deviation: Tensor, shape: tuple[int, ...], device: Device) -> None:
        # Spread over the whole example: arithmetic over rows of three channels is several times slower.
        self.gain = (1 / deviation).expand(shape).contiguous().to(device.place)
        self.offset = (-mean / deviation).expand(shape).contiguous().to(device.place)
        self._is_image, self._contiguous = len(shape) == 3, device.kind == "mps"  # which has few channels_last kernels

    def __call__(self, stored: Tensor) -> Tensor:
        """Return (B, C, H, W) or (B, D) float32."""
        values = torch.addcmul(self.offset, stored.to(torch.float32), self.gain)
        if not self._is_image:
            return values
        images = values.permute(0, 3, 1, 2)  # stored as (B, H, W, C), so this is torch's channels_last without a copy
        return images.contiguous() if self._contiguous else images
