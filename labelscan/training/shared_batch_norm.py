"""Batch norm over the slices of a batch that lie in several processes.

On GPUs torch has it, and timm for layers of its own. On CPUs neither has: ours is plain, two sums over all processes a
layer, and lets a fold be tried in several processes on a machine without GPUs, as the tests do.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from labelscan.errors import ConfigError

PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def share_batch_norm(network: nn.Module) -> nn.Module:
    """Let every batch norm of ``network`` take mean and variance over all processes, in place; return the network.

    Raises:
        ConfigError: a kind of batch norm for which nobody has that.
    """
    norms = [part for part in network.modules() if isinstance(part, _BatchNorm)]
    on_cpu = any(parameter.device.type == "cpu" for parameter in network.parameters())
    others = {type(norm) for norm in norms if type(norm) not in PLAIN} - ({nn.SyncBatchNorm} if not on_cpu else set())
    if not on_cpu and others and all(kind.__module__.startswith("timm.") for kind in others):
        from timm import layers  # here: it is there where a network has its layers

        convert: Callable[[nn.Module], nn.Module] = layers.convert_sync_batchnorm  # type: ignore[attr-defined]  # timm
        return convert(network)
    usual = all(norm.affine and norm.track_running_stats and norm.momentum is not None for norm in norms)
    if others or (on_cpu and not usual):
        names = ", ".join(sorted(kind.__name__ for kind in others)) or "batch norm without running means"
        raise ConfigError(
            "wrong-model",
            f"several processes{' on a CPU' if on_cpu else ''} cannot share layers of the network: {names}",
            where="executor.gpus_per_fold",
            hint="leave it at 1, or choose another model",
        )
    if not on_cpu:
        return cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(network))  # type: ignore[no-untyped-call]  # torch
    for norm in norms:
        norm.__class__ = _CpuSharedBatchNorm
    return network


class _CpuSharedBatchNorm(_BatchNorm):
    """Batch norm of any number of dimensions, whose mean and variance in training are those of all processes."""

    def _check_input_dim(self, inputs: Tensor) -> None:
        """Take inputs of any shape: the class that this one replaces has checked them before."""

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training:
            return super().forward(inputs)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        assert self.num_batches_tracked is not None
        values, others = inputs.float(), [0, *range(2, inputs.ndim)]
        shape = [1, -1, *[1] * (inputs.ndim - 2)]
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = _sum(torch.cat([values.sum(dim=others), count]))
        n = sums[-1].detach()
        mean = sums[:-1] / n
        centred = values - mean.view(shape)
        variance = _sum(centred.square().sum(dim=others)) / n
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        shared: Tensor = (centred * scale.view(shape) + self.bias.view(shape)).to(inputs.dtype)
        return shared


def _sum(part: Tensor) -> Tensor:
    return cast(Tensor, _Sum.apply(part))  # type: ignore[no-untyped-call]  # torch


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; each gets the gradient of all."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:  # noqa: ARG004  # as torch calls it
        total = part.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _sum(gradient)
