import pytest
import torch
from torch import nn

from labelscan.training.device import Device
from labelscan.training.engines.torch_engine import TorchEngine, with_folded_batch_norms
from labelscan.training.models.torchvision_model import TorchvisionModel


def norms_of(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def with_statistics(network):
    for norm in norms_of(network):
        nn.init.uniform_(norm.running_mean, -0.5, 0.5)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    return network.eval()


def check_same(network, folded, side):
    images = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        torch.testing.assert_close(folded(images), network(images), rtol=1e-4, atol=1e-5)


def test_all_batch_norms_of_a_network_disappear_and_the_network_itself_stays_as_it_is():
    network = with_statistics(TorchvisionModel("mobilenet_v3_small", "none").make_features())
    n_norms = len(norms_of(network))
    folded = with_folded_batch_norms(network, torch.ones(2, 3, 64, 64))
    assert (len(norms_of(network)), len(norms_of(folded))) == (n_norms, 0)
    check_same(network, folded, 64)


def test_the_activation_of_a_batch_norm_of_timm_is_kept():
    timm_layers = pytest.importorskip("timm.layers")
    network = with_statistics(nn.Sequential(nn.Conv2d(3, 4, 3), timm_layers.BatchNormAct2d(4)))
    folded = with_folded_batch_norms(network, torch.ones(2, 3, 8, 8))
    assert not norms_of(folded)
    check_same(network, folded, 8)


class Twice(nn.Module):
    """Uses the convolution beside its batch norm too, so that both must stay."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images):
        values = self.convolution(images)
        return values + self.norm(values)


def test_a_convolution_that_is_also_used_otherwise_stays():
    network = with_statistics(Twice())
    assert with_folded_batch_norms(network, torch.ones(2, 3, 8, 8)) is network


class Shared(nn.Module):
    """Uses one batch norm behind two convolutions, and one convolution before two batch norms."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.own = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.norm, self.other, self.alone = (nn.BatchNorm2d(3) for _ in range(3))

    def forward(self, images):
        values = self.norm(self.second(self.norm(self.first(images))))
        return self.alone(self.own(self.other(self.second(values))))


def test_of_what_is_used_several_times_nothing_is_folded():
    network = with_statistics(Shared())
    folded = with_folded_batch_norms(network, torch.randn(2, 3, 8, 8))
    assert len(norms_of(folded)) == 2
    check_same(network, folded, 8)


def test_a_batch_norm_without_statistics_of_its_own_stays():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    assert with_folded_batch_norms(network, torch.randn(2, 3, 8, 8)) is network


def test_other_features_are_noticed_in_an_engine_where_equal_pixels_would_hide_them():
    class Contrast(Twice):
        def forward(self, images):
            return images.std() * super().forward(images)

    network, device = with_statistics(Contrast()), Device("cpu")
    images = torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        expected = network(images).flatten(1)
    features = TorchEngine(network, (2, 3, 8, 8), device, facts={})(images)
    torch.testing.assert_close(torch.from_numpy(features), expected)


def test_a_network_without_batch_norms_does_not_run_for_it():
    class Silent(nn.Module):
        def forward(self, images):
            pytest.fail("it ran")

    network = Silent()
    assert with_folded_batch_norms(network, torch.ones(2, 3, 8, 8)) is network
