import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from labelscan.errors import ConfigError, ProbabilitiesError
from labelscan.noise.label_moves import CleanLabels, move_by_matrix
from labelscan.noise.matrices import check_noise_matrix, similar_class_matrix
from labelscan.noise.plant import NOISES, needs_pred_probs, plant

BALANCED = np.repeat(np.arange(10), 50)
WITH_ONE_RATE = ["symmetric", "pair", "look-alike", "instance"]
SAME_IN_EACH_CLASS = ["symmetric", "pair", "look-alike"]
SEEDS = st.integers(0, 2**32 - 1)


def plant_by_matrix(true_labels, noise_matrix, seed):
    clean = CleanLabels(true_labels, len(noise_matrix))
    return move_by_matrix(clean, check_noise_matrix(noise_matrix), np.random.default_rng(seed))


def probabilities(true_labels, n_classes, seed=0, confidence=2.0):
    """Return (N, K) probabilities of a model that is mostly right, some of them zero."""
    generator = np.random.default_rng(seed)
    scores = generator.gamma(0.2, size=(len(true_labels), n_classes))
    scores[np.arange(len(true_labels)), true_labels] += confidence
    scores[scores < 1e-3] = 0
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def moves(true_labels, given_labels, n_classes):
    """Return (K, K) how many labels went from each class (column) to each (row)."""
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (given_labels, true_labels), 1)
    return counts


@st.composite
def noise_matrices(draw, n_classes):
    """Return (K, K) any noise matrix, with zeros, clean classes and classes that are always wrong among its columns."""
    shares = st.sampled_from([0.0, 0.0, 0.1, 0.3, 1.0, 2.0, 7.0])
    columns = [draw(st.lists(shares, min_size=n_classes, max_size=n_classes).filter(any)) for _ in range(n_classes)]
    matrix = np.array(columns).T
    return matrix / matrix.sum(axis=0)


def true_labels_of(n_classes):
    return st.lists(st.integers(0, n_classes - 1), max_size=80).map(lambda labels: np.array(labels, dtype=np.int64))


@pytest.mark.parametrize("n_classes", [2, 7, 60])
@pytest.mark.parametrize("name", WITH_ONE_RATE)
@settings(max_examples=20)
@given(data=st.data(), rate=st.floats(0, 0.99), seed=SEEDS)
def test_the_total_is_exact_within_rounding(n_classes, name, data, rate, seed):
    true_labels = data.draw(true_labels_of(n_classes))
    pred_probs = probabilities(true_labels, n_classes, seed)
    given_labels = plant(true_labels, n_classes, f"{name}:{rate!r}", seed, pred_probs=pred_probs)
    label_errors = given_labels != true_labels
    assert given_labels.dtype == np.int64
    assert abs(label_errors.sum() - rate * len(true_labels)) <= 0.5 + 1e-9
    assert ((given_labels >= 0) & (given_labels < n_classes)).all()
    for label in range(n_classes if name in SAME_IN_EACH_CLASS else 0):
        members = true_labels == label
        assert abs(label_errors[members].sum() - rate * members.sum()) < 1 + 1e-9


@pytest.mark.parametrize("n_classes", [2, 5])
@settings(max_examples=40)
@given(data=st.data(), seed=SEEDS)
def test_a_matrix_is_followed_within_one_example_from_each_class_to_each_other(n_classes, data, seed):
    true_labels = data.draw(true_labels_of(n_classes))
    noise_matrix = data.draw(noise_matrices(n_classes))
    planted = moves(true_labels, plant_by_matrix(true_labels, noise_matrix, seed), n_classes)
    exact = noise_matrix * np.bincount(true_labels, minlength=n_classes)
    np.fill_diagonal(planted, 0)
    np.fill_diagonal(exact, 0)
    assert np.abs(planted - exact).max() < 1 + 1e-9
    assert np.abs(planted.sum(axis=0) - exact.sum(axis=0)).max() < 1 + 1e-9
    assert abs(planted.sum() - exact.sum()) <= 0.5 + 1e-9
    assert not planted[noise_matrix == 0].any()


@given(data=st.data(), rates=st.lists(st.floats(0, 0.99), min_size=4, max_size=4), seed=SEEDS)
def test_every_class_has_its_own_rate(data, rates, seed):
    true_labels = data.draw(true_labels_of(4))
    label_errors = plant(true_labels, 4, f"per-class:{'/'.join(map(repr, rates))}", seed) != true_labels
    for label, rate in enumerate(rates):
        members = true_labels == label
        assert abs(label_errors[members].sum() - rate * members.sum()) < 1 + 1e-9


def test_a_range_of_rates_is_spread_over_the_classes_in_an_order_of_the_seed():
    true_labels = np.repeat(np.arange(10), 100)
    wrong = [plant(true_labels, 10, "per-class:rates=2e-2-2e-1", seed) != true_labels for seed in (0, 1)]
    first, second = (np.bincount(true_labels[one], minlength=10).tolist() for one in wrong)
    assert sorted(first) == sorted(second) == list(range(2, 21, 2))
    assert first != second


def test_look_alike_errors_go_where_the_model_is_in_doubt():
    pred_probs = np.full((500, 10), 0.01)
    pred_probs[np.arange(500), BALANCED] = 0.62
    pred_probs[np.arange(500), (BALANCED + 3) % 10] = 0.3
    given_labels = plant(BALANCED, 10, "look-alike:0.2", seed=0, pred_probs=pred_probs)
    wrong = given_labels != BALANCED
    to_the_alike = (given_labels[wrong] == (BALANCED[wrong] + 3) % 10).sum()
    assert wrong.sum() == 100
    assert to_the_alike == 80  # 10 of each class, of which 0.3 / 0.38 are 7.9


@pytest.mark.parametrize("scale", [1, 1e307, 1e-300])
def test_a_class_never_taken_for_another_goes_to_all_alike_at_any_scale(scale):
    noise_matrix = similar_class_matrix(np.array([[5, 0, 0], [1, 9, 3], [0, 2, 9]]) * scale, rate=0.4)
    np.testing.assert_allclose(noise_matrix, [[0.6, 0.1, 0], [0.2, 0.6, 0.4], [0.2, 0.3, 0.6]])


def test_instance_errors_fall_on_hard_examples_and_go_to_what_these_look_like():
    hard = np.arange(500) % 5 == 0
    pred_probs = np.full((500, 10), 1e-5)
    pred_probs[np.arange(500), (BALANCED + 1) % 10] = np.where(hard, 0.4, 1e-5)
    pred_probs[np.arange(500), BALANCED] = 0
    pred_probs[np.arange(500), BALANCED] = 1 - pred_probs.sum(axis=1)
    given_labels = plant(BALANCED, 10, "instance:0.1", seed=0, pred_probs=pred_probs)
    wrong = given_labels != BALANCED
    assert wrong.sum() == 50
    assert wrong[hard].sum() >= 48
    assert (given_labels[wrong & hard] == (BALANCED[wrong & hard] + 1) % 10).all()
    indifferent = plant(BALANCED, 10, "instance:0.1,hardness=0", seed=0, pred_probs=pred_probs) != BALANCED
    assert indifferent.sum() == 50
    assert indifferent[hard].sum() < 25


def test_rows_are_drawn_in_proportion_to_their_doubt():
    true_labels = np.array([0, 0])
    pred_probs = np.array([[0.4, 0.6], [0.8, 0.2]])
    first = [
        plant(true_labels, 2, "instance:0.5", seed, pred_probs=pred_probs)[0] for seed in range(1000)
    ]  # one of two rows each time, the first with weight 0.6 of 0.8
    assert abs(np.mean(first) - 0.75) < 0.05


def test_examples_without_any_doubt_come_last_and_go_anywhere():
    pred_probs = np.eye(10)[BALANCED]
    pred_probs[:3] = 0.1
    few = plant(BALANCED, 10, "instance:0.006", seed=0, pred_probs=pred_probs)
    assert (np.flatnonzero(few != BALANCED) == [0, 1, 2]).all()
    many = plant(BALANCED, 10, "instance:0.9", seed=0, pred_probs=pred_probs)
    assert (many != BALANCED).sum() == 450
    assert len(np.unique((many - BALANCED)[3:] % 10)) == 10


@settings(max_examples=20)
@given(seed=SEEDS)
def test_planted_errors_of_an_example_do_not_depend_on_the_precision_of_its_probabilities(seed):
    pred_probs = probabilities(BALANCED, 10, seed)
    for name in ("look-alike", "instance"):
        single, double = (
            plant(BALANCED, 10, f"{name}:0.2", seed, pred_probs=pred_probs.astype(kind))
            for kind in (np.float32, np.float64)
        )
        np.testing.assert_array_equal(single, double)


def test_a_noise_says_whether_it_needs_probabilities_and_refuses_those_of_other_examples():
    for text in ("symmetric:0.1", "pair", "per-class"):
        assert not needs_pred_probs(text)
        plant(BALANCED, 10, text, seed=0)
    for text in ("look-alike:0.1", "instance:0.1"):
        assert needs_pred_probs(text)
        with refuses(ConfigError, "needs-probabilities"):
            plant(BALANCED, 10, text, seed=0)
        for of_others in (probabilities(BALANCED[1:], 10), probabilities(BALANCED, 11)):
            with pytest.raises(ProbabilitiesError):
                plant(BALANCED, 10, text, seed=0, pred_probs=of_others)


@pytest.mark.parametrize(
    ("noise", "content", "expected"),
    [
        ("matrix:{}", "0.9,0\n0.1,1\n\n", [[90, 0], [10, 100]]),
        ("look-alike:0.1,similarity={}", "50,1,0\n0,50,4\n1,1,50\n", [[90, 0, 5], [10, 90, 5], [0, 10, 90]]),
    ],
)
def test_a_matrix_or_similarity_is_read_from_a_file(tmp_path, noise, content, expected):
    file = tmp_path / "table.csv"
    file.write_text(content)
    assert not needs_pred_probs(noise.format(file))
    true_labels = np.repeat(np.arange(len(expected)), 100)
    given_labels = plant(true_labels, len(expected), noise.format(file), seed=0)
    np.testing.assert_array_equal(moves(true_labels, given_labels, len(expected)), expected)


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        ("0.9,x\n0.1,0.9\n", "not-numbers", "noise.csv row 1, column 2"),
        ("0.9,0.1\n\n0.1,0.9\n", "ragged", "noise.csv row 1"),
        ("1.1,0\n-0.1,1\n", "not-a-noise-matrix", "noise.csv row 2, column 1"),
        ("0.9,0.1\n0.2,0.9\n", "not-a-noise-matrix", "noise.csv column 1"),
        ("1e308,1e308\n1e308,1e308\n", "not-a-noise-matrix", "noise.csv column 1"),
        ("1\n", "wrong-shape", "noise.csv"),
        ("0.9,0,0\n0.1,1,0\n0,0,1\n", "classes-mismatch", "noise.csv"),
    ],
)
def test_what_is_wrong_in_a_matrix_is_reported_with_its_place(tmp_path, content, code, where):
    file = tmp_path / "noise.csv"
    file.write_text(content)
    with refuses(ConfigError, code, where):
        plant(np.array([0, 1]), 2, f"matrix:{file}", seed=0)


def test_a_wrong_array_is_reported_by_its_index_and_rows_in_place_of_columns_with_what_to_do():
    for matrix, where in (([[2, 0], [-1, 1]], "noise_matrix[1, 0]"), ([[2, 0], [0, 1]], "noise_matrix[:, 0]")):
        with refuses(ConfigError, "not-a-noise-matrix", where):
            check_noise_matrix(matrix)
    with refuses(ConfigError, "not-a-noise-matrix", "similarity[0, 1]"):
        similar_class_matrix([[0, np.inf], [1, 0]], rate=0.1)
    with refuses(ConfigError, "not-a-noise-matrix") as caught:
        check_noise_matrix([[0.9, 0.1], [0.3, 0.7]])
    assert "exchange rows and columns" in caught.value.problems[0].hint


def test_symmetric_errors_go_to_every_other_class_alike() -> None:
    true_labels = np.full(30_000, 2)
    given_labels = plant(true_labels, 4, "symmetric:0.9", seed=3)
    counts = np.bincount(given_labels, minlength=4)
    assert counts[2] == 3_000
    assert np.abs(counts[[0, 1, 3]] - 9_000).max() < 400


def test_pair_errors_go_to_the_next_class() -> None:
    given_labels = plant(BALANCED, 10, "pair:0.2", seed=0)
    wrong = given_labels != BALANCED
    np.testing.assert_array_equal(given_labels[wrong], (BALANCED[wrong] + 1) % 10)


@pytest.mark.parametrize("name", sorted(set(NOISES) - {"matrix"}))
def test_the_same_seed_plants_the_same_errors_and_another_seed_others(name) -> None:
    pred_probs = probabilities(BALANCED, 10)
    option, value = ("rates", "0.1-0.3") if name == "per-class" else ("rate", "0.3")
    first, again, other = (
        plant(BALANCED, 10, text, seed, pred_probs=pred_probs)
        for text, seed in ((f"{name}:{value}", 5), (f"{name}:{option}={value}", 5), (f"{name}:{value}", 6))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(BALANCED, np.repeat(np.arange(10), 50))
    np.testing.assert_array_equal(pred_probs, probabilities(BALANCED, 10))


@pytest.mark.parametrize(
    "text",
    [
        *("symmetric:1", "symmetric:-0.1", "pair:20", "pair:inf", "symmetric:ten", "symetric:0.1"),
        *("look-alike:1", "instance:-0.1", "instance:0.1,hardness=-1", "instance:0.1,hardness=inf"),
        *("matrix", "matrix:nowhere.csv", "look-alike:0.1,similarity=nowhere.csv"),
        *("per-class:0.1/1", "per-class:0.1/", "per-class:0.3-0.1", "per-class:0.1-0.2-0.3", "per-class:-0.1"),
    ],
)
def test_a_noise_that_cannot_be_is_refused_before_anything_is_planted(text: str) -> None:
    with pytest.raises(ConfigError):
        needs_pred_probs(text)


@pytest.mark.parametrize(
    ("true_labels", "n_classes", "text", "code"),
    [
        ([0, 1], 10, "per-class:0.1/0.2/0.3", "classes-mismatch"),
        ([0, 0], 1, "symmetric:0.5", "one-class"),
        ([0, 10], 10, "symmetric:0.1", "unknown-class"),
        ([-1, 3], 10, "symmetric:0.1", "unknown-class"),
        ([[0, 1]], 10, "symmetric:0.1", "wrong-shape"),
    ],
)
def test_labels_and_classes_that_do_not_fit_the_noise_are_refused(true_labels, n_classes, text, code) -> None:
    with refuses(ConfigError, code, "noise"):
        plant(np.array(true_labels), n_classes, text, seed=0)
