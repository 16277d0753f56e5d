"""The ceiling of F1 on errors that follow the example, against what a detector reaches that knows all but the truth."""

import math

import numpy as np
import pytest

from labelscan.noise.ceilings import error_chances, highest_f1, other_probs
from labelscan.noise.plant import f1_ceiling, plant

N_EXAMPLES, N_CLASSES, N_DRAWS = 2000, 5, 20


def drawn(seed, concentration):
    """Return calibrated probabilities, and true labels drawn from them."""
    generator = np.random.default_rng(seed)
    pred_probs = generator.dirichlet(np.full(N_CLASSES, concentration), size=N_EXAMPLES).astype(np.float32)
    return pred_probs, labels_from(pred_probs, generator)


def labels_from(probs, generator):
    shares = np.cumsum(probs, axis=1) / probs.sum(axis=1, keepdims=True)
    return (shares > generator.random((len(probs), 1))).argmax(axis=1)


def f1_of_the_likeliest(chances, label_errors):
    """Return F1 of flags on as many of the likeliest labels as promise the highest."""
    order = np.argsort(-chances, kind="stable")
    found = np.cumsum(chances[order])
    k = int((found / (np.arange(1, len(order) + 1) + found[-1])).argmax()) + 1
    return 2 * label_errors[order[:k]].sum() / (k + label_errors.sum())


@pytest.mark.parametrize("hardness", [0, 1, 3])
@pytest.mark.parametrize("concentration", [0.1, 0.5])
def test_a_detector_that_knows_all_but_the_truth_reaches_the_ceiling_and_no_more(hardness, concentration):
    noise = f"instance:0.1,hardness={hardness}"
    reached, ceilings, estimated = [], [], []
    for seed in range(N_DRAWS):
        pred_probs, true_labels = drawn(seed, concentration)
        given_labels = plant(true_labels, N_CLASSES, noise, seed, pred_probs=pred_probs)
        label_errors = given_labels != true_labels
        chances = error_chances(given_labels, true_labels, pred_probs, pred_probs, hardness=hardness)
        estimated.append(chances.sum() / label_errors.sum())
        reached.append(f1_of_the_likeliest(chances, label_errors))
        ceilings.append(f1_ceiling(noise, true_labels, given_labels, pred_probs=pred_probs))
        assert ceilings[-1] == highest_f1(chances)
    assert np.mean(reached) == pytest.approx(np.mean(ceilings), abs=0.012)
    assert np.mean(estimated) == pytest.approx(1, abs=0.015)


def test_who_knows_more_than_the_planter_has_a_higher_ceiling_and_reaches_that():
    reached, ceilings, of_the_planter = [], [], []
    for seed in range(N_DRAWS):
        belief, true_labels = drawn(seed, 0.1)
        pred_probs = (0.6 * belief + 0.4 / N_CLASSES).astype(np.float32)
        given_labels = plant(true_labels, N_CLASSES, "instance:0.1", seed, pred_probs=pred_probs)
        chances = error_chances(given_labels, true_labels, pred_probs, belief, hardness=1)
        known = {"pred_probs": pred_probs, "belief": belief}
        reached.append(f1_of_the_likeliest(chances, given_labels != true_labels))
        ceilings.append(f1_ceiling("instance:0.1", true_labels, given_labels, **known))
        of_the_planter.append(f1_ceiling("instance:0.1", true_labels, given_labels, pred_probs=pred_probs))
    assert np.mean(reached) == pytest.approx(np.mean(ceilings), abs=0.012)
    assert np.mean(ceilings) > np.mean(of_the_planter) + 0.1


def test_the_chances_of_one_example_are_those_of_bayes_rule():
    pred_probs = np.array([[0.6, 0.3, 0.1]] * 10)
    true_labels, given_labels = np.zeros(10, dtype=np.int64), np.array([1, 1] + [0] * 8)
    chances = error_chances(given_labels, true_labels, pred_probs, pred_probs, hardness=1)
    rate = -math.log(1 - 0.2) / 0.4  # by which an example of class 0 becomes wrong with a chance of 0.2
    chosen = [1 - math.exp(-rate * weight) for weight in (0.4, 0.7, 0.9)]
    wrong = 0.6 * chosen[0] * 0.3 / 0.4 + 0.1 * chosen[2] * 0.3 / 0.9
    assert chances[0] == pytest.approx(wrong / (wrong + 0.3 * (1 - chosen[1])))


def test_the_highest_f1_is_that_of_the_best_number_of_flags_for_errors_that_follow_the_example_alone():
    assert highest_f1(np.array([0.1, 0.9, 0.5])) == pytest.approx(2 * 1.4 / (2 + 1.5))
    assert highest_f1(np.ones(4)) == 1
    assert math.isnan(highest_f1(np.zeros(4)))
    pred_probs, true_labels = drawn(0, 0.5)
    given_labels = plant(true_labels, N_CLASSES, "look-alike:0.1", 0, pred_probs=pred_probs)
    assert f1_ceiling("look-alike:0.1", true_labels, given_labels, pred_probs=pred_probs) is None
    assert math.isnan(f1_ceiling("instance:0", true_labels, true_labels, pred_probs=pred_probs))


@pytest.mark.parametrize("hardness", [0, 1, 1e6])
@pytest.mark.parametrize("rate", [0.002, 0.9, 0.999])
def test_probabilities_of_0_and_1_and_any_hardness_give_chances(hardness, rate):
    true_labels = np.arange(500) % 10
    pred_probs = np.eye(10)[true_labels]
    pred_probs[:9] = 0.1
    pred_probs[9] = np.eye(10)[3]
    noise = f"instance:{rate},hardness={hardness}"
    given_labels = plant(true_labels, 10, noise, seed=0, pred_probs=pred_probs)
    chances = error_chances(given_labels, true_labels, pred_probs, pred_probs, hardness=hardness)
    assert ((chances >= 0) & (chances <= 1)).all()
    assert 0 < highest_f1(chances) <= 1


def test_other_probs_are_the_sums_of_the_others_to_the_last_digit():
    pred_probs = np.array([[1, 1e-30, 2e-30], [0.25, 0.25, 0.5]])
    np.testing.assert_allclose(other_probs(pred_probs), [[3e-30, 1, 1], [0.75, 0.75, 0.5]], rtol=1e-15)
    assert (other_probs(np.eye(3)) > 0).all()
