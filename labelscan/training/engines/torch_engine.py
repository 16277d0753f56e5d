"""A frozen network as torch runs it, on the CPU with each batch norm folded into its convolution."""

import copy
from collections import Counter
from collections.abc import Mapping
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labelscan.training.device import Device
from labelscan.training.prediction import InParts

TOLERANCE = 1e-4
"""The most that features may differ after folding, relative to the largest."""


class TorchEngine:
    """Runs a network in eval mode eagerly, where its weights are, in the type of ``device``; see ``Engine``."""

    name = "torch"

    def __init__(
        self, network: nn.Module, shape: tuple[int, int, int, int], device: Device, *, facts: Mapping[str, object]
    ) -> None:
        self.batch_size, self.facts = shape[0], facts
        on_cpu = device.kind == "cpu"
        noise = torch.randn(2, *shape[1:], generator=torch.Generator().manual_seed(0))
        self._outputs_of = InParts(with_folded_batch_norms(network, noise) if on_cpu else network)
        self._device = device

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> NDArray[np.float32]:
        with self._device.autocast():
            features = self._outputs_of(images)
        return np.ascontiguousarray(features.float().flatten(1).cpu().numpy(), dtype="<f4")


def with_folded_batch_norms(network: nn.Module, images: Tensor) -> nn.Module:
    """Return a copy of a network in eval mode whose batch norms are part of the convolutions before them.

    The pairs are those whose tensors meet when ``images`` pass through, so that no network needs to be traced. A
    network that gives other features then, since it also uses a convolution otherwise, is returned as it is; ``images``
    must be such that this shows.
    """
    with torch.no_grad():
        pairs = _meeting(network, images)
        if not pairs:
            return network
        folded = copy.deepcopy(network)
        for convolution, norm in pairs:
            _fold(folded, convolution, norm)
        before, after = network(images), folded(images)
    agrees = (before - after).abs().max() <= TOLERANCE * before.abs().max()  # NaN never does
    return folded if agrees else network


def _meeting(network: nn.Module, images: Tensor) -> list[tuple[str, str]]:
    """Return the names of convolutions and of the batch norms that take what they give, used once by each other."""
    made: dict[int, tuple[str, Tensor]] = {}  # by identity; kept, so that no other tensor gets the same one
    taken: list[tuple[str, Tensor]] = []
    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(
                module.register_forward_hook(lambda _, __, output, name=name: made.update({id(output): (name, output)}))
            )
        elif isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:  # else it is no fixed scale
            hooks.append(module.register_forward_pre_hook(lambda _, inputs, name=name: taken.append((name, inputs[0]))))
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        network(images)
    for hook in hooks:
        hook.remove()
    pairs = [(made[id(tensor)][0], name) for name, tensor in taken if id(tensor) in made]
    uses = Counter(chain.from_iterable(pairs))
    return [pair for pair in pairs if all(uses[name] == 1 for name in pair)]


def _fold(network: nn.Module, convolution: str, norm: str) -> None:
    """Replace a convolution by one with the scale and shift of its batch norm, which only keeps its activation."""
    kernel, old = network.get_submodule(convolution), network.get_submodule(norm)
    assert isinstance(kernel, nn.Conv2d)
    assert isinstance(old, nn.BatchNorm2d)
    network.set_submodule(convolution, fuse_conv_bn_eval(kernel, old))
    # timm has batch norms that an activation is part of.
    left = [part for part in (getattr(old, "drop", None), getattr(old, "act", None)) if part is not None]
    network.set_submodule(norm, nn.Sequential(*left))
