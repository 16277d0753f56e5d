"""Our AdamW and learning rates are those of torch, bit for bit, without its compiler."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from labelscan.training.adamw import AdamW, one_cycle


def a_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))


def add_gradients(network, step, scale=1.0):
    inputs = torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(step))
    (scale * network(inputs).square().mean()).backward()


def assert_same(ours, theirs):
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("fused", [True, False])
def test_weights_after_training_are_those_of_torch(fused):
    ours, theirs, n_steps = a_network(), a_network(), 23
    optimizer = AdamW(ours.parameters(), weight_decay=0.05, fused=fused)
    kernels = [parameter for parameter in theirs.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in theirs.parameters() if parameter.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, lr=0.01, fused=fused)
    schedule = torch.optim.lr_scheduler.OneCycleLR(reference, 0.01, total_steps=n_steps)
    for step in range(n_steps):
        optimizer.zero_grad()
        add_gradients(ours, step)
        optimizer.step(*one_cycle(step, n_steps, 0.01))
        reference.zero_grad()
        add_gradients(theirs, step)
        reference.step()
        schedule.step()
    assert_same(ours, theirs)


def test_the_learning_rate_rises_and_falls_as_in_torch():
    for n_steps in (1, 2, 3, 4, 7, 100):
        optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=3e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=n_steps)
        for step in range(n_steps):
            (group,) = optimizer.param_groups
            assert one_cycle(step, n_steps, 3e-3) == (group["lr"], group["betas"][0])
            optimizer.step()
            if step + 1 < n_steps:
                schedule.step()
    sizes = [one_cycle(step, 100, 1.0)[0] for step in range(100)]
    assert [earlier < later for earlier, later in pairwise(sizes)] == [True] * 29 + [False] * 70


def test_a_parameter_without_gradient_is_left_alone():
    network = a_network()
    network.unused = nn.Parameter(torch.ones(3, 3))
    optimizer = AdamW(network.parameters(), weight_decay=0.5, fused=True)
    add_gradients(network, 0)
    optimizer.step(0.1, 0.9)
    assert network.unused.tolist() == torch.ones(3, 3).tolist()


@pytest.mark.parametrize("unscaled_before", [True, False])
def test_scaled_steps_are_those_of_torch_and_ask_a_gpu_nothing(monkeypatch, unscaled_before):
    ours, theirs = a_network(), a_network()
    optimizer = AdamW(ours.parameters(), weight_decay=0.0, fused=True)
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=(0.9, 0.999), weight_decay=0.0, fused=True)
    scalers = [torch.amp.GradScaler("cpu", init_scale=1024.0) for _ in range(2)]
    for step, factor in enumerate((1, torch.inf, 1)):
        for network, one, scaler, sizes in (
            (ours, optimizer, scalers[0], (0.01, 0.9)),
            (theirs, reference, scalers[1], ()),
        ):
            one.zero_grad()
            add_gradients(network, step, factor * scaler.scale(torch.ones(())))
            with monkeypatch.context() as patch:
                patch.setattr(torch.Tensor, "item", None)  # which would wait
                if unscaled_before:
                    scaler.unscale_(one)
                scaler.step(one, *sizes)
                scaler.update()
    assert_same(ours, theirs)
