from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from tiny_run import CLASSES, a_dataset, an_evidence, evidence_of

from labelscan.arrays import as_strings
from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.measured_sample import COLUMNS, MOST, MeasuredSample, draw_sample, seed_for

N = 1000
IDS = as_strings([f"{row:04}.png" for row in range(N)])
LOG_ODDS = np.random.default_rng(0).normal(-3, 3, N)


def samples(n_seeds: int, n: int = N) -> list[MeasuredSample]:
    return [draw_sample(IDS[:n], LOG_ODDS[:n], seed=seed) for seed in range(n_seeds)]


def test_half_of_any_number_of_decisions_are_of_the_rest_and_the_others_of_three_strata_alike():
    for one in samples(40):
        for n_decided in (24, 48, 102):
            counts = np.bincount(one.stratum[one.index[:n_decided]], minlength=4)
            assert counts.tolist() == [n_decided // 2, *[n_decided // 6] * 3]


def test_the_rest_has_the_lowest_log_odds_and_the_other_strata_follow():
    one = draw_sample(IDS, LOG_ODDS, seed=0)
    by_stratum = [LOG_ODDS[one.stratum == stratum] for stratum in range(4)]
    assert all(low.max() <= high.min() for low, high in pairwise(by_stratum))
    assert len(by_stratum[0]) >= N / 2
    same = draw_sample(IDS, np.zeros(N), seed=0)
    assert np.bincount(same.stratum)[0] == N / 2


def test_what_was_chosen_from_a_list_was_not_drawn():
    one = draw_sample(IDS, LOG_ODDS, seed=0)

    def drawn(places: list[int], unsure: Sequence[int] = ()) -> list[int]:
        index = one.index[places]
        return one.drawn(DecidedLabels(index=index, is_wrong=index > 9), one.index[list(unsure)]).index.tolist()

    assert drawn([2, 0, 1, 5]) == one.index[:3].tolist()
    assert drawn([0, 2, 5], unsure=[1]) == one.index[[0, 2]].tolist()
    assert drawn([1, 2, 3]) == []
    other = np.setdiff1d(np.arange(N), one.index)[:2]
    assert len(one.drawn(DecidedLabels(index=other, is_wrong=other > 9))) == 0


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
    np.testing.assert_array_equal(first.stratum[order], second.stratum)
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
    assert {row[3] for row in cells} == {"0", "1", "2", "3"}
