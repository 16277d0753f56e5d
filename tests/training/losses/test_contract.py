"""What every loss keeps to, whatever it does to hard examples."""

import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import refuses

from labelscan.errors import ConfigError
from labelscan.training.losses import LOSSES, losses_of, remembers_examples
from labelscan.training.losses.published import regularisation_of

NAMES = sorted(LOSSES)


def values_of(text, logits, labels):
    """The losses of a batch that is the first of a training."""
    loss = LOSSES.build(text)
    if remembers_examples(loss):
        loss = loss.begin(*logits.shape, torch.device("cpu"))
    return losses_of(loss, logits, labels, torch.arange(len(labels)))


# The formulas in float64 by NumPy. p: (K,) softmax, y: the given label, h: (K,) the softmax where factors that are
# held constant are taken; equal to p except where a derivative is wanted.


def ce(p, y, h):
    return -np.log(p[y])


def mae(p, y, h):
    return np.abs(p - np.eye(len(p))[y]).sum() / 2


def rce(p, y, h):
    return -(p * np.log(np.maximum(np.eye(len(p))[y], 1e-4))).sum()


def nce(p, y, h):
    return np.log(p[y]) / np.log(p).sum()


def f(u, held):
    return -((1 - held) ** 0.5) * np.log(u)


def nfl(p, y, h):
    return f(p[y], h[y]) / f(p, h).sum()


def nnce(p, y, h):
    largest, log_p = -np.log(1e-7), np.log(np.maximum(p, 1e-7))
    return 1 - (largest + log_p[y]) / (largest + log_p).sum()


def nnfl(p, y, h):
    p, h = np.maximum(p, 1e-7), np.maximum(h, 1e-7)
    largest = f(1e-7, 1e-7)
    return 1 - (largest - f(p, h)[y]) / (len(p) * largest - f(p, h).sum())


def elr(p, y, h):
    clamped, said = np.clip(p, 1e-4, 1 - 1e-4), np.clip(h, 1e-4, 1 - 1e-4)
    return ce(p, y, h) + 3 * np.log(1 - clamped @ (0.3 * said / said.sum()))


FORMULAS = {
    "ce": ce,
    "focal": lambda p, y, h: (1 - h[y]) ** 2 * ce(p, y, h),
    "blurry": lambda p, y, h: h[y] ** 0.3 * ce(p, y, h),
    "blurry:detach_weight=false": lambda p, y, h: p[y] ** 0.3 * ce(p, y, h),
    "piecewise-zero": lambda p, y, h: ce(p, y, h) if p[y] >= 0.05 else 0.0,
    "gce": lambda p, y, h: (1 - p[y] ** 0.7) / 0.7,
    "mae": mae,
    "rce": rce,
    "sce": lambda p, y, h: 0.1 * ce(p, y, h) + rce(p, y, h),
    "nce": nce,
    "nfl": nfl,
    "nce+rce": lambda p, y, h: nce(p, y, h) + rce(p, y, h),
    "nce+mae": lambda p, y, h: nce(p, y, h) + mae(p, y, h),
    "nfl+rce": lambda p, y, h: nfl(p, y, h) + rce(p, y, h),
    "nfl+mae": lambda p, y, h: nfl(p, y, h) + mae(p, y, h),
    "anl-ce": lambda p, y, h: 5 * nce(p, y, h) + 5 * nnce(p, y, h),
    "anl-fl": lambda p, y, h: 5 * nfl(p, y, h) + 5 * nnfl(p, y, h),
    "agce": lambda p, y, h: (1.6**0.6 - (0.6 + p[y]) ** 0.6) / 0.6,
    "aul": lambda p, y, h: ((5.5 - p[y]) ** 3 - 4.5**3) / 3,
    "ael": lambda p, y, h: np.exp(-p[y] / 2.5),
    "taylor-ce": lambda p, y, h: (1 - p[y]) + (1 - p[y]) ** 2 / 2,
    "elr": elr,
}


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def by_formula(name, logits, label, held=None):
    p = softmax(logits)
    return FORMULAS[name](p, label, p if held is None else softmax(held))


def slopes_by_formula(name, logits, label, step=1e-6):
    """(K,) derivatives by the logits, by central differences, with factors held constant."""
    moves = step * np.eye(len(logits))
    return np.array(
        [
            (by_formula(name, logits + move, label, logits) - by_formula(name, logits - move, label, logits)) / 2 / step
            for move in moves
        ]
    )


def near_a_kink(logits, label):
    p = softmax(logits)
    return abs(p[label] - 0.05) < 1e-3 or np.abs(p - 1e-4).min() < 1e-6 or np.abs(p - 1e-7).min() < 1e-9


on_a_busy_machine = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

logits_and_label = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-12, 12, width=32), min_size=k, max_size=k).map(np.array), st.integers(0, k - 1)
    )
)


def test_every_loss_has_a_formula_to_be_checked_against():
    assert {name.partition(":")[0] for name in FORMULAS} == set(NAMES)


@pytest.mark.parametrize("name", FORMULAS)
@on_a_busy_machine
@given(case=logits_and_label.filter(lambda case: not near_a_kink(*case)))
def test_the_value_is_that_of_the_formula(name, case):
    logits, label = case
    value = values_of(name, torch.tensor(logits)[None].float(), torch.tensor([label])).item()
    assert value == pytest.approx(by_formula(name, logits, label), rel=1e-4, abs=3e-5)
    exact = values_of(name, torch.tensor(logits)[None].double(), torch.tensor([label]))
    assert exact.dtype == torch.float64
    assert exact.item() == pytest.approx(by_formula(name, logits, label), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
@on_a_busy_machine
@given(case=logits_and_label.filter(lambda case: not near_a_kink(*case)))
def test_the_gradient_is_that_of_the_formula_with_held_factors_constant(name, case):
    logits, label = case
    z = torch.tensor(logits)[None].double().requires_grad_()
    values_of(name, z, torch.tensor([label])).sum().backward()
    np.testing.assert_allclose(z.grad[0], slopes_by_formula(name, logits, label), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("scale", [0.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_logits_give_finite_values_and_gradients(name, scale, dtype):
    rows = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [1.0, 1.0, -1.0]])
    logits = (scale * rows).to(dtype).requires_grad_()
    loss = values_of(name, logits, torch.tensor([0, 0, 2]))
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "elr"])
def test_no_loss_is_negative(name):
    logits = torch.tensor([[1e4, -1e4, 0.0], [40.0, 0.0, 0.0], [12.0, 0.0, 0.0], [0.0, 1.0, 2.0], [-1e4, 1e4, 0.0]])
    assert (values_of(name, logits, torch.zeros(5, dtype=torch.int64)) >= 0).all()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_batch_gives_one_float32_loss_an_example_in_its_order(name):
    logits = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0, 1, 2])
    whole = values_of(name, logits, labels)
    assert whole.shape == (7,)
    assert whole.dtype == torch.float32
    for row in range(7):
        alone = values_of(name, logits[row : row + 1], labels[row : row + 1])
        assert alone.shape == (1,)
        torch.testing.assert_close(alone[0], whole[row])


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_logits_of_few_digits_are_computed_in_float32(name, dtype):
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(1)).to(dtype)
    labels = torch.tensor([0, 1, 2, 3, 0])
    loss = values_of(name, logits, labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, values_of(name, logits.float(), labels))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(values_of(name, logits, labels), loss)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_prefers_the_given_label(name):
    labels = torch.tensor([0, 0])
    right, wrong = values_of(name, torch.tensor([[5.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), labels).tolist()
    assert right < wrong


@pytest.mark.parametrize("name", NAMES)
def test_defaults_without_a_number_of_classes_are_those_for_ten(name):
    by_classes = getattr(LOSSES[name], "by_classes", None)
    loss = LOSSES.build(name)
    for option, default in (by_classes.options(10) if by_classes else {}).items():
        assert getattr(loss, option) == default


@pytest.mark.parametrize("n_classes", [2, 5, 30])
@pytest.mark.parametrize(("name", "of_a_class"), [("mae", 1), ("rce", -math.log(1e-4)), ("nce", None), ("nfl", None)])
def test_the_losses_of_all_labels_of_an_example_add_up_to_a_constant(name, of_a_class, n_classes):
    logits = 3 * torch.randn(1, n_classes, generator=torch.Generator().manual_seed(4))
    total = values_of(name, logits.expand(n_classes, -1), torch.arange(n_classes)).sum().item()
    assert total == pytest.approx(1 if of_a_class is None else of_a_class * (n_classes - 1), rel=1e-5)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("blurry:0", "ce"),
        ("blurry:0,detach_weight=false", "ce"),
        ("focal:0", "ce"),
        ("piecewise-zero:0", "ce"),
        ("gce:1e-6", "ce"),
        ("gce:1", "mae"),
        ("taylor-ce:3000", "ce"),
        ("taylor-ce:1", "mae"),
        ("elr:strength=0", "ce"),
        ("sce:a=1,b=0", "ce"),
        ("sce:a=0,b=1", "rce"),
        ("nfl:0", "nce"),
        ("nfl+mae:a=0,b=1", "mae"),
        ("anl-ce:a=1,b=0,d=0", "nce"),
        ("anl-fl:gamma=0", "anl-ce"),
        ("agce:a=1e-6,q=0.7", "gce:0.7"),
        ("agce:q=1", "mae"),
        ("aul:a=2,q=1", "mae"),
    ],
)
def test_at_the_ends_of_its_options_a_loss_is_another_one(text, limit):
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(2))
    labels = torch.arange(20) % 5
    torch.testing.assert_close(values_of(text, logits, labels), values_of(limit, logits, labels), rtol=1e-4, atol=1e-4)


IMPOSSIBLE = """
    blurry:gamma=-1 focal:-0.1 piecewise-zero:1 gce:0 gce:q=1.5 sce:a=-1 sce:a=0,b=0 nfl:-1 nfl+rce:gamma=-1
    nfl+mae:gamma=-1 nce+rce:b=-0.1 nce+mae:a=-1 anl-ce:d=-1 anl-fl:gamma=-1 agce:a=0 agce:q=0 aul:a=1 aul:q=0 ael:0
    taylor-ce:0 elr:beta=1 elr:strength=-1
"""


@pytest.mark.parametrize("text", IMPOSSIBLE.split())
def test_an_option_that_a_loss_cannot_have_is_refused(text):
    with refuses(ConfigError, "out-of-range", f"loss {text.partition(':')[0]}, option "):
        LOSSES.build(text)


def test_a_regularisation_of_another_kind_is_refused():
    loss = LOSSES.build("ce")
    loss.regularisation = {"l1_weight": 0.1}
    with refuses(ConfigError, "wrong-loss"):
        regularisation_of(loss)
