import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from tiny_run import evidence_of

from labelscan.detection import examples_by_class, pooling
from labelscan.detection.examples_by_class import CLIP
from labelscan.detection.pooling import geometric_mean, likeliest_weights, pool


def members_about(labels, *powers, seed=0, n_classes=4):
    """Return probabilities that know the labels the better the higher their power, each with errors of its own."""
    generator = np.random.default_rng(seed)
    known = np.eye(n_classes)[labels]
    return [softmax(power * known + generator.normal(size=known.shape), axis=1).astype(np.float32) for power in powers]


@pytest.fixture
def labels():
    return np.random.default_rng(7).integers(0, 4, 400)


def test_the_pool_is_the_weighted_geometric_mean_of_clipped_probabilities():
    first, second = np.array([[0.7, 0.2, 0.1], [1, 0, 0]]), np.array([[0.1, 0.6, 0.3], [0, 0.5, 0.5]])
    weights = np.array([0.25, 0.75])
    clipped = [np.maximum(each, CLIP / 3) for each in (first, second)]
    products = clipped[0] ** 0.25 * clipped[1] ** 0.75
    found = geometric_mean([first, second], weights, np.float64)
    np.testing.assert_allclose(found, products / products.sum(axis=1, keepdims=True))


def test_weights_are_those_under_which_the_given_labels_are_likeliest(labels):
    probs = members_about(labels, 2.0, 1.0)
    weights = likeliest_weights(probs, labels)

    def best_likelihood(share):
        logs = np.tensordot([share, 1 - share], np.log(np.maximum(probs, CLIP / 4)), axes=1)
        rows = np.arange(len(labels))
        return max(log_softmax(power * logs, axis=1)[rows, labels].mean() for power in np.linspace(0.2, 8, 100))

    shares = np.linspace(0, 1, 101)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(shares[np.argmax([best_likelihood(share) for share in shares])], abs=0.02)


def test_weights_do_not_depend_on_the_order_of_rows_even_where_only_some_are_used(labels, monkeypatch):
    monkeypatch.setattr(pooling, "ENOUGH", 150)
    monkeypatch.setattr(examples_by_class, "CHUNK_CELLS", 64)
    probs = members_about(labels, 2.0, 1.0, 0.5)
    order = np.random.default_rng(1).permutation(len(labels))
    shuffled = likeliest_weights([each[order] for each in probs], labels[order])
    np.testing.assert_allclose(shuffled, likeliest_weights(probs, labels), atol=1e-6)


def test_a_member_that_knows_nothing_weighs_nothing(labels):
    (good,) = members_about(labels, 2.0)
    noise = np.random.default_rng(3).dirichlet(np.ones(4), size=len(labels))
    assert likeliest_weights([good, noise], labels)[1] < 0.1
    contrary = 1 / good / (1 / good).sum(axis=1, keepdims=True)
    assert likeliest_weights([good, contrary], labels)[0] > 0.5
    np.testing.assert_allclose(likeliest_weights([contrary, contrary], labels), [0.5, 0.5])


def test_several_members_are_kept_beside_their_pool_and_one_is_the_evidence_itself(labels):
    first, second = members_about(labels, 2.0, 1.0)
    alone = evidence_of(first, labels)
    assert pool(["one"], [alone]) is alone
    evidence = pool(["a", "b"], [evidence_of(first, labels), evidence_of(second, labels)])
    assert [one.name for one in evidence.members] == ["a", "b"]
    for one, probs in zip(evidence.members, (first, second), strict=True):
        np.testing.assert_array_equal(one.pred_probs, probs)
    weights = np.array([one.weight for one in evidence.members])
    np.testing.assert_array_equal(weights, likeliest_weights([first, second], labels))
    np.testing.assert_array_equal(evidence.pred_probs, geometric_mean([first, second], weights, np.float32))
    assert evidence.train_probs is None
    assert evidence.train_margin is None


def test_what_only_some_models_know_from_training_is_pooled_over_these(labels):
    first, second, third = members_about(labels, 2.0, 1.0, 1.5)
    margins = [np.ones(400, np.float32), np.full(400, 3, np.float32)]
    margins[1][0] = np.nan
    networks = [
        evidence_of(probs, labels, train_margin=margin, train_probs=probs.astype(np.float16))
        for probs, margin in zip((first, second), margins, strict=True)
    ]
    trees = evidence_of(third, labels)
    alone = pool(["a", "trees"], [networks[0], trees])
    np.testing.assert_array_equal(alone.train_probs, networks[0].train_probs)
    np.testing.assert_array_equal(alone.train_margin, margins[0])
    both = pool(["a", "b", "trees"], [*networks, trees])
    assert both.train_margin.tolist() == [1, *[2] * 399]
    weights = np.array([one.weight for one in both.members[:2]])
    own = [one.train_probs for one in networks]
    np.testing.assert_array_equal(both.train_probs, geometric_mean(own, weights / weights.sum(), np.float16))


def test_what_a_weak_network_says_of_its_own_training_does_not_outweigh_a_better_model(labels):
    weak, strong = members_about(labels, 0.5, 3.0)
    network = evidence_of(weak, labels, train_probs=weak.astype(np.float16), train_margin=np.ones(400, np.float32))
    evidence = pool(["network", "trees"], [network, evidence_of(strong, labels)])
    assert evidence.members[0].weight < 0.5
    assert evidence.train_probs is None
    assert evidence.train_margin is not None  # a column of its own, which decides nothing
