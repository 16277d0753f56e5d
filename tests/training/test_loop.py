import numpy as np
import pytest
import torch
from refusals import refuses
from tiny_training import CPU, learn, recipe, stored_shapes
from torch import nn

from labelscan.config import TrainingConfig
from labelscan.errors import RunError
from labelscan.training import loop
from labelscan.training.adamw import one_cycle
from labelscan.training.augmentation import NO_AUGMENTATION
from labelscan.training.batches import Batches
from labelscan.training.device import Device, make_network
from labelscan.training.losses import LOSSES
from labelscan.training.schedule import build_schedule


@pytest.fixture
def shapes(tmp_path):
    return stored_shapes(tmp_path)


@pytest.mark.parametrize("dtype_name", ["float32", "bfloat16"])
def test_a_small_cnn_learns_shapes_and_predicts_unseen_ones(shapes, dtype_name):
    pred_probs, _, epochs = learn(shapes, device=Device("cpu", dtype_name))
    assert (pred_probs.argmax(axis=1) == shapes[1][120:]).mean() > 0.9
    np.testing.assert_allclose(pred_probs.sum(axis=1), 1, atol=1e-5)
    assert pred_probs.dtype == np.float32
    assert epochs[-1][1] < epochs[0][1]
    assert [epoch for epoch, _ in epochs] == list(range(1, 9))


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_learns_by_its_defaults(shapes, loss):
    pred_probs, _, _ = learn(shapes, loss=loss)
    assert (pred_probs.argmax(axis=1) == shapes[1][120:]).mean() > 0.85


@pytest.mark.parametrize("loss", ["elr", "anl-ce"])
def test_a_training_begun_again_gives_the_same_bytes_whatever_was_trained_before(shapes, loss):
    schedule = build_schedule(loss, n_epochs=2, n_classes=3)
    once = learn(shapes, loss=schedule, epochs=2)[0]
    learn(shapes, loss=schedule, seed=1, epochs=1)  # cut short
    np.testing.assert_array_equal(learn(shapes, loss=schedule, epochs=2)[0], once)


def weights_after(shapes, loss, **changes):
    networks = []
    learn(shapes, loss=loss, keep=networks, **changes)
    return torch.cat([parameter.detach().flatten() for parameter in networks[0].parameters()])


def test_an_l1_term_draws_parameters_to_0_in_the_epochs_of_its_loss_only(shapes):
    free, held, waiting, plain = (
        weights_after(shapes, loss, epochs=3).abs().sum().item()
        for loss in ("anl-ce:d=0", "anl-ce:d=0.01", "anl-ce:d=0.01,delay=2", "anl-ce:d=0,delay=2")
    )
    assert held < 0.9 * free
    assert held < waiting < plain


def test_gradients_are_shortened_for_losses_that_want_it(shapes, monkeypatch):
    lengths = []
    shorten = nn.utils.clip_grad_norm_

    def note(parameters, longest):
        parameters = list(parameters)
        lengths.append((shorten(parameters, longest).item(), longest))
        after = torch.stack([parameter.grad.norm() for parameter in parameters]).norm().item()
        assert after <= longest * 1.001

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", note)
    learn(shapes, loss="ce", epochs=1)
    assert lengths == []
    learn(shapes, loss="nce+rce:a=1000", epochs=1)
    assert max(before for before, _ in lengths) > 5
    assert {longest for _, longest in lengths} == {5.0}


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(shapes):
    one, two, other = (learn(shapes, seed=seed, epochs=2)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_labels_of_examples_that_are_held_out_have_no_influence(shapes):
    labels = shapes[1].copy()
    before, _, _ = learn(shapes, labels=labels, epochs=2)
    labels[120:] = (labels[120:] + 1) % 3
    after, _, _ = learn(shapes, labels=labels, epochs=2)
    np.testing.assert_array_equal(before, after)


def test_wrong_labels_have_low_training_margins(shapes):
    labels = shapes[1].copy()
    wrong = [7, 50, 90]
    labels[wrong] = (labels[wrong] + 1) % 3
    _, margins, _ = learn(shapes, labels=labels)
    lowest = margins.mean().argsort()[:3].tolist()
    assert set(lowest) == set(wrong)


def test_training_that_diverges_ends_in_one_clear_error(shapes):
    with refuses(RunError, "diverged"):
        learn(shapes, learning_rate=1e30)


def test_a_network_made_twice_with_one_seed_has_the_same_weights_whatever_was_drawn_before():
    first = make_network(lambda: nn.Linear(3, 2), CPU, 5)
    torch.rand(100)
    second = make_network(lambda: nn.Linear(3, 2), CPU, 5)
    torch.testing.assert_close(first.weight, second.weight)


def test_no_augmentation_predicts_from_the_image_alone(shapes, tmp_path):
    inputs, _ = shapes
    batches = Batches(inputs, np.arange(10), CPU, NO_AUGMENTATION)
    assert [len(list(views)) for views in batches.views(torch.arange(4), 2)] == [1, 1]


@pytest.mark.parametrize("batch_size", [1, 16])
def test_the_learning_rate_ends_its_cycle_with_the_last_step(shapes, monkeypatch, batch_size):
    asked = []

    def noted(step, n_steps, highest):
        asked.append((step, n_steps))
        return one_cycle(step, n_steps, highest)

    monkeypatch.setattr(loop, "one_cycle", noted)
    learn(shapes, epochs=2, batch_size=batch_size)
    last, n_steps = asked[-1]
    assert last == n_steps - 1 == len(asked) - 1


def settled(shapes, monkeypatch, gain, **changes):
    """Return what a training of ten epochs gives that has settled if it gains less, and how far it went."""
    asked = []
    monkeypatch.setattr(loop, "SETTLED", gain)
    monkeypatch.setattr(loop, "one_cycle", lambda *step: asked.append(step[:2]) or one_cycle(*step))
    return learn(shapes, epochs=10, may_settle=True, **changes), [passed / (n_steps - 1) for passed, n_steps in asked]


def test_a_training_that_has_settled_passes_through_the_rest_of_its_schedule_in_a_fifth_of_the_epochs(
    shapes, monkeypatch
):
    (pred_probs, margins, epochs), passed = settled(shapes, monkeypatch, 1.1)
    assert [epoch for epoch, _ in epochs] == [1, 2, 3, 4, 5, 6]
    assert (pred_probs.argmax(axis=1) == shapes[1][120:]).mean() > 0.9
    np.testing.assert_allclose(margins.probs().sum(axis=1), 1, atol=1e-2)
    assert passed[0] == 0
    assert passed[-1] == 1
    paces = np.diff(passed)
    assert len(passed) == 6 * 8
    np.testing.assert_allclose(paces[:31], 1 / 79)
    np.testing.assert_allclose(paces[32:], (79 - 32) / 15 / 79)


def test_a_training_that_has_not_settled_and_one_that_may_not_are_as_ever(shapes, monkeypatch):
    (pred_probs, _, epochs), passed = settled(shapes, monkeypatch, -1)
    assert len(epochs) == 10
    assert len(passed) == 80
    np.testing.assert_array_equal(pred_probs, learn(shapes, epochs=10)[0])
    assert recipe(may_settle=True).changed_by(TrainingConfig()).may_settle
    assert not recipe(may_settle=True).changed_by(TrainingConfig(epochs=10)).may_settle
