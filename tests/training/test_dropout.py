import pytest
import torch
from torch import nn

from labelscan.training.dropout import FastDropout, speed_up_dropout


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


def test_layers_that_are_not_plain_dropout_stay_as_they_are():
    network = nn.Sequential(nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(0.5))
    speed_up_dropout(network)
    assert [type(layer) for layer in network] == [FastDropout, nn.Dropout2d, nn.AlphaDropout]


def test_a_slice_that_is_not_dense_is_handled_by_torch():
    torch.manual_seed(0)
    assert FastDropout(0.5)(torch.ones(40, 40)[:, ::2]).shape == (40, 20)
