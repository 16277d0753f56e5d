import numpy as np
import pytest
from scipy.special import expit
from tiny_run import CLASSES, a_dataset, an_evidence, evidence_of

from labelscan.arrays import as_strings
from labelscan.detection.decisions.measured_sample import COLUMNS, MOST, MeasuredSample, draw_sample, seed_for

N = 1000
IDS = as_strings([f"{row:04}.png" for row in range(N)])
LOG_ODDS = np.random.default_rng(0).normal(-3, 3, N)


def weights(log_odds: np.ndarray) -> np.ndarray:
    half = expit(log_odds / 2)
    return np.sqrt(half * (1 - half))


def samples(n_seeds: int, n: int = N) -> list[MeasuredSample]:
    return [draw_sample(IDS[:n], LOG_ODDS[:n], seed=seed) for seed in range(n_seeds)]


def test_any_number_of_decisions_is_three_quarters_doubtful_and_the_rest_is_at_any_place_of_its_four():
    drawn = samples(100)
    for n_decided in (25, 50, 100, 200):
        of_rest = [n_decided - one.is_doubtful[:n_decided].sum() for one in drawn]
        assert set(of_rest) <= {n_decided // 4, -(-n_decided // 4)}
        assert np.mean(of_rest) == pytest.approx(n_decided / 4, abs=0.15)
    places = np.concatenate([(~one.is_doubtful).reshape(-1, 4).argmax(axis=1) for one in drawn])
    assert np.bincount(places) / len(places) == pytest.approx(0.25, abs=0.03)


def test_the_doubtful_one_is_drawn_by_its_weight_and_the_one_of_the_rest_by_chance():
    drawn, weight = samples(6000, 6), weights(LOG_ODDS[:6])
    for is_doubtful, expected in ((True, weight / weight.sum()), (False, np.full(6, 1 / 6))):
        first = [one.index[0] for one in drawn if one.is_doubtful[0] == is_doubtful]
        assert np.bincount(first, minlength=6) / len(first) == pytest.approx(expected, abs=0.03)


def test_labels_are_among_the_first_fifty_as_often_as_the_inclusion_probability_says():
    drawn = samples(700)
    counts = sum(np.bincount(one.index[:50], minlength=N) for one in drawn) / len(drawn)
    chances = np.full(N, np.nan)
    for one in drawn:
        chances[one.index] = one.inclusion_probability
    assert chances.sum() == pytest.approx(50, rel=0.01)
    order = np.argsort(chances)
    for tenth in np.array_split(order, 10):  # one label alone is too rare to be counted
        assert counts[tenth].mean() == pytest.approx(chances[tenth].mean(), rel=0.06)


def test_the_sample_belongs_to_the_examples_and_not_to_their_rows():
    order = np.random.default_rng(1).permutation(N)
    first, second = draw_sample(IDS, LOG_ODDS, seed=3), draw_sample(IDS[order], LOG_ODDS[order], seed=3)
    assert IDS[first.index].tolist() == IDS[order][second.index].tolist()
    np.testing.assert_array_equal(first.is_doubtful, second.is_doubtful)
    np.testing.assert_allclose(first.inclusion_probability, second.inclusion_probability)
    assert draw_sample(IDS, LOG_ODDS, seed=4).index.tolist() != first.index.tolist()


def test_corrected_labels_are_measured_by_a_sample_of_their_own():
    probs, given = np.full((N, 3), 1 / 3, dtype=np.float32), np.random.default_rng(2).integers(3, size=N)
    evidence = evidence_of(probs, given)
    order = np.random.default_rng(1).permutation(N)
    assert seed_for(evidence[order], 3) == seed_for(evidence, 3)
    assert seed_for(evidence, 4) != seed_for(evidence, 3)
    before = draw_sample(IDS, LOG_ODDS, seed=seed_for(evidence, 0))
    given[before.index[0]] = (given[before.index[0]] + 1) % 3
    after = draw_sample(IDS, LOG_ODDS, seed=seed_for(evidence_of(probs, given), 0))
    shared = {*before.index[:50].tolist()} & {*after.index[:50].tolist()}
    assert len(shared) < 15


@pytest.mark.parametrize("n", [1, 2, 5, 60, 199, 201])
def test_small_data_is_drawn_whole_and_no_label_twice(n):
    drawn = draw_sample(IDS[:n], LOG_ODDS[:n], seed=0)
    assert len(drawn) == len(set(drawn.index.tolist())) == min(n, MOST)
    assert ((drawn.inclusion_probability > 0) & (drawn.inclusion_probability <= 1)).all()
    if n <= 50:
        assert drawn.inclusion_probability == pytest.approx(1)
    extreme = draw_sample(IDS[:n], np.linspace(-9000, -3000, n), seed=0)
    assert len(set(extreme.index.tolist())) == min(n, MOST)
    assert np.isfinite(extreme.inclusion_probability).all()


def test_the_file_names_each_label_in_order(tmp_path):
    evidence = an_evidence(a_dataset())
    drawn = draw_sample(evidence.example_ids, np.linspace(-2, 2, 10), seed=0)
    drawn.write(tmp_path / "measure.csv", evidence)
    header, *rows = (tmp_path / "measure.csv").read_text().splitlines()
    assert header == ",".join(COLUMNS)
    cells = [row.split(",") for row in rows]
    assert [row[0] for row in cells] == [str(number) for number in range(1, 11)]
    assert {row[1]: row[2] for row in cells} == {
        str(one): CLASSES[label] for one, label in zip(evidence.example_ids, evidence.given_labels, strict=True)
    }
    assert {row[3] for row in cells} == {"doubtful", "rest"}
