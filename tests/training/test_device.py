import random

import numpy as np
import pytest
import torch
from refusals import refuses
from torch import nn

from labelscan.config import DeviceConfig
from labelscan.errors import ConfigError
from labelscan.training.data_parallel import check_gpus
from labelscan.training.device import (
    Device,
    FastDropout,
    all_gpus,
    choose_device,
    device_for,
    has_matrix_units,
    make_network,
    reproducible,
    seed_of,
)


@pytest.fixture
def four_gpus(machine):
    machine(*4 * [80])


@pytest.mark.parametrize(("name", "n_gpus"), [("auto", 4), ("cuda", 4), ("cuda:0", 1), ("cuda:1", 1), ("cpu", 1)])
def test_folds_spread_over_all_gpus_only_where_none_was_named(four_gpus, name, n_gpus):
    assert len(all_gpus(choose_device(DeviceConfig(name=name)))) == n_gpus


def test_gpus_of_another_kind_take_no_part(four_gpus, monkeypatch):
    kinds = ["A100", "A100", "T4", "A100"]
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: kinds[place.index])
    every = choose_device(DeviceConfig())
    assert [device.name for device in all_gpus(every)] == ["cuda:0", "cuda:1", "cuda:3"]
    assert [device.name for device in all_gpus(every, 2)] == ["cuda:0"]
    check_gpus(every, 2)
    kinds[:] = ["A100", "T4", "A100", "T4"]
    with refuses(ConfigError, "too-few-gpus"):
        check_gpus(every, 2)


def test_a_gpu_that_torch_has_no_kernels_for_is_not_taken(four_gpus, monkeypatch):
    capabilities = [(6, 1), (8, 9), (8, 0), (12, 0)]
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda place: capabilities[torch.device(place).index])
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_86", "sm_90a"])
    assert choose_device(DeviceConfig()).name == "cuda:1"
    assert choose_device(DeviceConfig(name="cuda:1")).name == "cuda:1"
    for name in ("cuda", "cuda:2", "cuda:3"):
        with refuses(ConfigError, "no-device"):
            choose_device(DeviceConfig(name=name))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_90", "compute_90"])
    assert choose_device(DeviceConfig()).name == "cuda:3"
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_90"])
    assert choose_device(DeviceConfig()).name == "cpu"


def test_precision_is_bfloat16_on_gpus_that_can_and_float32_elsewhere(four_gpus):
    assert choose_device(DeviceConfig(name="cuda:1")) == Device("cuda:1", "bfloat16")
    assert choose_device(DeviceConfig(name="cpu")) == Device("cpu", "float32")


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (DeviceConfig(name="cuda:7"), "no-device"),
        (DeviceConfig(name="gpu"), "unknown-device"),
        (DeviceConfig(name="meta"), "unknown-device"),
        (DeviceConfig(name="cpu", precision="float16"), "wrong-precision"),
    ],
)
def test_a_device_that_is_not_there_is_refused(four_gpus, config, code):
    with refuses(ConfigError, code, "device."):
        choose_device(config)


def test_everything_random_is_fixed_and_put_back():
    def draw():
        return random.random(), float(np.random.random()), float(torch.rand(()))

    threads = torch.get_num_threads()
    with reproducible(3, threads=threads + 1):
        first = draw()
        assert torch.get_num_threads() == threads + 1
    assert torch.get_num_threads() == threads
    outside = draw()
    with reproducible(3, threads=1):
        assert draw() == first
    assert draw() != outside


def test_seeds_differ_between_folds_and_are_the_same_everywhere():
    assert len({seed_of(0, repeat, fold) for repeat in range(10) for fold in range(10)}) == 100
    assert seed_of(0, 1, 2) == seed_of(0, 1, 2)


@pytest.mark.parametrize(("there", "allowed"), [(True, True), (True, False), (False, True)])
def test_matrix_units_count_only_where_the_system_allows_them(monkeypatch, there, allowed):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: there)
    monkeypatch.setattr(torch.cpu, "_init_amx", lambda: allowed)  # false in Linux before 5.16
    assert has_matrix_units() is (there and allowed)


@pytest.mark.parametrize(
    ("device", "precision", "gains", "has_units", "expected"),
    [
        (Device("cpu"), "auto", True, True, "bfloat16"),
        (Device("cpu"), "auto", True, False, "float32"),
        (Device("cpu"), "auto", False, True, "float32"),
        (Device("cpu"), "float32", True, True, "float32"),
        (Device("mps"), "auto", True, True, "float32"),
        (Device("cuda:0", "bfloat16"), "auto", False, False, "bfloat16"),
    ],
)
def test_networks_that_gain_are_trained_in_bfloat16_on_cpus_with_matrix_units(
    monkeypatch, device, precision, gains, has_units, expected
):
    monkeypatch.setattr("labelscan.training.device.has_matrix_units", lambda: has_units)
    chosen = device_for(device, DeviceConfig(precision=precision), matrix_units=gains)
    assert (chosen.name, chosen.dtype_name) == (device.name, expected)


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_right_share_is_left_out_and_the_mean_stays(p, memory_format):
    torch.manual_seed(0)
    values = torch.ones(64, 8, 15, 13).to(memory_format=memory_format)
    result = FastDropout(p)(values)
    assert (result == 0).float().mean().item() == pytest.approx(p, abs=0.01)
    assert result.mean().item() == pytest.approx(1, abs=0.05)
    assert result.unique().tolist() == pytest.approx([0, 1 / (1 - p)])
    assert result.stride() == values.stride()


def test_neighbours_are_left_out_independently():
    torch.manual_seed(0)
    kept = FastDropout(0.5)(torch.ones(200_000)) > 0
    for distance in (1, 2, 3, 4, 8):
        assert (kept[distance:] & kept[:-distance]).float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_gradients_pass_where_values_do():
    values = torch.ones(1000, requires_grad=True)
    result = FastDropout(0.3)(values)
    result.sum().backward()
    torch.testing.assert_close(values.grad, result.detach())


def test_a_prediction_leaves_nothing_out():
    layer = FastDropout(0.5).eval()
    torch.testing.assert_close(layer(torch.ones(10)), torch.ones(10))


def test_only_plain_dropout_layers_are_replaced_and_only_on_the_cpu():
    def types(device):
        make = lambda: nn.Sequential(nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(0.5))  # noqa: E731
        return [type(layer) for layer in make_network(make, device, 0)]

    assert types(Device("cpu")) == [FastDropout, nn.Dropout2d, nn.AlphaDropout]
    assert types(Device("meta")) == [nn.Dropout, nn.Dropout2d, nn.AlphaDropout]


def test_a_slice_that_is_not_dense_is_handled_by_torch():
    torch.manual_seed(0)
    assert FastDropout(0.5)(torch.ones(40, 40)[:, ::2]).shape == (40, 20)
