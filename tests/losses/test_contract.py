"""What every loss keeps to, whatever it does to hard examples."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labelscan.errors import ConfigError
from labelscan.losses import LOSSES
from labelscan.losses.blurry import Blurry
from labelscan.losses.cross_entropy import CrossEntropy
from labelscan.losses.focal import Focal
from labelscan.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from labelscan.losses.piecewise_zero import PiecewiseZero

NAMES = sorted(LOSSES)


def value(name, p):
    """The formula of METHOD section 2 at the probability of the given label, in float64."""
    return {
        "ce": -math.log(p),
        "focal": -((1 - p) ** 2) * math.log(p),
        "blurry": -(p**0.3) * math.log(p),
        "piecewise-zero": -math.log(p) if p >= 0.05 else 0.0,
        "gce": (1 - p**0.7) / 0.7,
    }[name]


def logits_of(p, n_classes=3):
    """Return (1, K) logits whose softmax gives the first class probability p."""
    rest = (1 - p) / (n_classes - 1)
    return torch.tensor([[p] + [rest] * (n_classes - 1)], dtype=torch.float64).log().float()


@pytest.mark.parametrize("name", NAMES)
@given(p=st.floats(0.001, 0.999).filter(lambda p: abs(p - 0.05) > 1e-4))
def test_the_value_is_that_of_the_formula(name, p):
    loss = LOSSES.build(name)(logits_of(p), torch.tensor([0]))
    assert loss.item() == pytest.approx(value(name, p), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_logits_give_finite_values_and_gradients(name):
    for scale in (0.0, 30.0, 1e4):
        logits = (scale * torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])).requires_grad_()
        loss = LOSSES.build(name)(logits, torch.tensor([0, 0]))
        loss.sum().backward()
        assert torch.isfinite(loss).all()
        assert (loss >= 0).all()
        assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_gives_one_float32_loss_an_example_in_its_order(name):
    logits = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0, 1, 2])
    loss = LOSSES.build(name)
    whole = loss(logits, labels)
    assert whole.shape == (7,)
    assert whole.dtype == torch.float32
    for row in range(7):
        torch.testing.assert_close(loss(logits[row : row + 1], labels[row : row + 1])[0], whole[row])


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_logits_are_computed_in_float32(name):
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(1)).bfloat16()
    labels = torch.tensor([0, 1, 2, 3, 0])
    loss = LOSSES.build(name)
    torch.testing.assert_close(loss(logits, labels), loss(logits.float(), labels))


def slope(loss, p):
    """Return the derivative of the loss by the given logit, as autograd has it."""
    logits = logits_of(p).requires_grad_()
    loss(logits, torch.tensor([0])).sum().backward()
    return logits.grad[0, 0].item()


@pytest.mark.parametrize("p", [0.02, 0.1, 0.4, 0.9])
def test_gradients_are_those_of_the_formulas(p):
    assert slope(CrossEntropy(), p) == pytest.approx(-(1 - p), rel=1e-4)
    assert slope(Blurry(0.5), p) == pytest.approx(-(p**0.5) * (1 - p), rel=1e-4)
    full = -(p**0.5) * (1 - p) * (1 + 0.5 * math.log(p))
    assert slope(Blurry(0.5, detach_weight=False), p) == pytest.approx(full, rel=1e-3)
    assert slope(Focal(2), p) == pytest.approx(-((1 - p) ** 3), rel=1e-3)
    assert slope(GeneralizedCrossEntropy(0.7), p) == pytest.approx(-(p**0.7) * (1 - p), rel=1e-4)
    assert slope(PiecewiseZero(0.2), p) == pytest.approx(-(1 - p) if p >= 0.2 else 0.0, rel=1e-4)


def test_the_full_gradient_of_blurry_pushes_hard_labels_away_and_the_constant_weight_never_does():
    assert slope(Blurry(0.5, detach_weight=False), 0.05) > 0
    assert slope(Blurry(0.5), 0.05) < 0


def test_blurry_is_bounded():
    worst = Blurry(0.3)(logits_of(math.exp(-1 / 0.3)), torch.tensor([0])).item()
    assert worst == pytest.approx(1 / (0.3 * math.e), rel=1e-4)


@pytest.mark.parametrize(
    "loss",
    [Blurry(0.0), Blurry(0.0, detach_weight=False), Focal(0.0), PiecewiseZero(0.0), GeneralizedCrossEntropy(1e-6)],
)
def test_the_limit_of_every_loss_is_cross_entropy(loss):
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(20) % 5
    torch.testing.assert_close(loss(logits, labels), CrossEntropy()(logits, labels), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text", ["blurry:gamma=-1", "focal:-0.1", "piecewise-zero:1", "gce:0", "gce:q=1.5"])
def test_an_option_that_a_loss_cannot_have_is_refused_with_its_value(text):
    with pytest.raises(ConfigError, match="must be"):
        LOSSES.build(text)
