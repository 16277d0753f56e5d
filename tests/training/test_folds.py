import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refuses

from labelscan.arrays import as_strings
from labelscan.config import FoldsConfig
from labelscan.errors import DatasetError
from labelscan.training.folds import FEW, assign_folds, find_units, number_groups, unscored_reasons


def assign(labels, *, names=None, n_folds=5, repeats=1, seed=0, groups=None, usable=None, ids=None):
    labels = np.asarray(labels, dtype=np.int64)
    ids = as_strings([f"image {row}" for row in range(len(labels))] if ids is None else ids)
    shared = [] if groups is None else [number_groups(as_strings(groups))]
    return assign_folds(
        ids,
        labels,
        names or [f"class {label}" for label in range(labels.max() + 1)],
        find_units(len(labels), *shared),
        np.ones(len(labels), dtype=bool) if usable is None else np.asarray(usable),
        FoldsConfig(n_folds=n_folds, repeats=repeats),
        seed=seed,
    )


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 3), min_size=12, max_size=80),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 100),
    n_groups=st.integers(6, 30),
)
def test_every_example_is_held_out_once_a_repeat_and_never_trained_on_there(labels, n_folds, seed, n_groups):
    groups = [f"g{row * 7 % n_groups}" for row in range(len(labels))]
    try:
        folds = assign(labels, n_folds=n_folds, repeats=2, seed=seed, groups=groups)
    except DatasetError as refused:
        assert refused.code in ("too-few-examples", "nothing-scored")  # noqa: PT017
        return
    for repeat in range(2):
        held_out = np.concatenate([folds.held_out_index(repeat, fold) for fold in range(n_folds)])
        assert sorted(held_out) == list(np.flatnonzero(folds.scored))
        for fold in range(n_folds):
            train, held = folds.train_index(repeat, fold), folds.held_out_index(repeat, fold)
            assert not set(np.asarray(groups)[train]) & set(np.asarray(groups)[held])
            assert set(np.asarray(labels)[held]) <= set(np.asarray(labels)[train])


def test_every_class_is_spread_evenly():
    labels = np.repeat([0, 1, 2], [500, 53, 10])
    folds = assign(labels)
    for label, size in ((0, 500), (1, 53), (2, 10)):
        counts = np.bincount(folds.fold[0][labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
        assert counts.sum() == size


def test_folds_follow_the_ids_and_not_the_order_of_rows():
    labels = np.arange(200) % 4
    ids = [f"cat/{row}.png" for row in range(200)]
    order = np.random.default_rng(0).permutation(200)
    straight = assign(labels, ids=ids).fold[0]
    shuffled = assign(labels[order], ids=[ids[row] for row in order]).fold[0]
    np.testing.assert_array_equal(shuffled, straight[order])


def test_a_few_added_examples_move_few_others():
    labels = np.arange(1000) % 5
    before = assign(labels).fold[0]
    after = assign(np.r_[labels, np.zeros(10, dtype=int)]).fold[0][:1000]
    assert (before != after).sum() <= 40


def test_a_new_class_moves_no_example_of_the_others():
    labels = np.arange(1000) % 3
    before = assign(labels, names=["bee", "cat", "dog"]).fold[0]
    # It sorts first, so that every index shifts.
    after = assign(np.r_[labels + 1, 0, 0], names=["ant", "bee", "cat", "dog"]).fold[0]
    np.testing.assert_array_equal(after[:1000], before)


@pytest.mark.parametrize("seed", range(20))
def test_a_class_whose_members_are_in_two_groups_is_scored(seed):
    labels = np.arange(1500) % 2
    groups = [f"g{row % 500}" for row in range(1500)]
    labels[[3, 503, 1003, 700, 1200]] = 2  # rows of one group are 500 apart
    folds = assign(labels, groups=groups, seed=seed)
    assert folds.scored.all()


def test_another_seed_and_another_repeat_give_other_folds():
    labels = np.zeros(100, dtype=int) + np.arange(100) % 2
    folds = assign(labels, repeats=2)
    assert (folds.fold[0] != folds.fold[1]).any()
    assert (folds.fold[0] != assign(labels, seed=1).fold[0]).any()


def test_groups_stay_whole_and_few_large_ones_are_balanced():
    groups = [f"patient {row // 10}" for row in range(300)]
    labels = np.arange(300) % 3
    folds = assign(labels, groups=groups)
    for group in set(groups):
        assert len(set(folds.fold[0][np.asarray(groups) == group])) == 1
    assert np.bincount(folds.fold[0]).tolist() == [60] * 5


def test_examples_linked_through_a_third_share_a_fold():
    content = np.array([0, 0, 1, 2, 3])
    groups = number_groups(as_strings(["", "a", "a", "b", ""]))
    units = find_units(5, content, groups)
    assert units[0] == units[1] == units[2]
    assert len(set(units.tolist())) == 3


def test_the_only_member_of_a_class_trains_but_is_not_scored():
    labels = np.r_[np.arange(40) % 2, 2]
    folds = assign(labels)
    assert folds.scored.sum() == 40
    assert not folds.scored[40]
    assert sum(40 in folds.train_index(0, fold) for fold in range(5)) == 4


def test_a_class_within_one_group_is_not_scored():
    labels = np.r_[np.arange(60) % 2, [2] * 6]
    groups = [""] * 60 + ["the only camera"] * 6
    folds = assign(labels, groups=groups)
    assert not folds.scored[60:].any()
    assert folds.scored[:60].all()


def test_a_class_with_fewer_members_than_folds_trains_but_is_not_scored():
    labels = np.r_[np.arange(50) % 2, [2] * 4, [3] * 5]
    folds = assign(labels)
    assert folds.scored.tolist() == (labels != 2).tolist()
    assert set(unscored_reasons(folds, labels, np.ones(59, dtype=bool)).values()) == {FEW}
    assert sum(50 in folds.train_index(0, fold) for fold in range(5)) == 4


def test_unreadable_examples_are_in_no_fold():
    usable = np.ones(50, dtype=bool)
    usable[7] = False
    folds = assign(np.arange(50) % 2, usable=usable)
    assert folds.fold[0][7] == -1
    assert not any(7 in folds.train_index(0, fold) for fold in range(5))


@pytest.mark.parametrize(
    ("labels", "n_folds", "code"),
    [([0, 1, 0], 5, "too-few-examples"), ([0, 1, 0], 2, "too-few-examples"), (np.arange(8), 5, "nothing-scored")],
)
def test_data_that_is_too_little_for_folds_is_refused(labels, n_folds, code):
    with refuses(DatasetError, code):
        assign(labels, n_folds=n_folds)
