"""Folds: which one holds out which example, stratified, stable when examples are added, and without leaks.

Examples that must share a fold, those of one group or with the same content, form a *unit*. Within a class, units are
ordered by a keyed hash of their names and cut into equal parts. A few added examples thus move only the few that stand
next to a cut, and two runs on almost the same data can be compared.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from labelscan.arrays import GivenLabels, Index, Mask, Strings
from labelscan.config import FoldsConfig
from labelscan.errors import DatasetError
from labelscan.wording.tables import write_csv

FEW_UNITS = 50
"""With fewer groups a fold than this, hashing leaves folds uneven, and scikit-learn balances them instead."""

ALONE = "unscored: the only example of its class"
TOGETHER = "unscored: all examples of its class must share a fold"
FEW = "unscored: its class has fewer examples than there are folds"


@dataclass(frozen=True)
class Folds:
    """The fold of every example in every repeat."""

    fold: NDArray[np.int64]
    """(R, N) the fold that holds the example out; -1 where the example cannot be used."""
    scored: Mask
    """(N,) whether the example is predicted in every repeat. It is not where its class has fewer examples than folds or
    some repeat leaves no other example of it to learn from, but still trains the folds that do not hold it out."""
    n_folds: int

    @property
    def n_repeats(self) -> int:
        return len(self.fold)

    def train_index(self, repeat: int, fold: int) -> Index:
        """Return the rows that the model of this fold trains on, ascending."""
        assigned = self.fold[repeat]
        return np.flatnonzero((assigned >= 0) & (assigned != fold))

    def held_out_index(self, repeat: int, fold: int) -> Index:
        """Return the rows that the model of this fold predicts, ascending."""
        return np.flatnonzero((self.fold[repeat] == fold) & self.scored)

    def write(self, path: Path, example_ids: Strings) -> None:
        """Write folds.csv: an example's id and its fold in each repeat, empty where it has none."""
        folds = {f"fold_{repeat}": pd.array(fold, dtype="Int64") for repeat, fold in enumerate(self.fold)}
        for column in folds.values():
            column[column < 0] = pd.NA
        write_csv(pd.DataFrame({"example_id": example_ids, **folds}), path)


def assign_folds(
    example_ids: Strings,
    given_labels: GivenLabels,
    class_names: Sequence[str],
    units: NDArray[np.int64],
    usable: Mask,
    config: FoldsConfig,
    *,
    seed: int,
) -> Folds:
    """Return the folds of ``config.repeats`` repeats.

    Ids and class names decide, not the order of rows or classes, which a new example or class shifts. Examples with
    equal ``units``, from ``find_units``, share a fold; those that are not ``usable``, such as unreadable images, get
    none.

    Raises:
        DatasetError: there are fewer units than folds, or no example can be scored.
    """
    rows = np.flatnonzero(usable)
    _, unit_of = np.unique(units[rows], return_inverse=True)
    n_units = int(unit_of.max()) + 1 if len(rows) else 0
    if n_units < config.n_folds:
        raise DatasetError(
            "too-few-examples",
            f"{n_units} distinct usable examples or groups cannot make {config.n_folds} folds",
            hint=f"use --folds {max(n_units, 2)} or give more data",
        )
    n_grouped = int((np.bincount(unit_of) > 1).sum())
    few = n_units < FEW_UNITS * config.n_folds and n_grouped > n_units // 2
    fold = np.full((config.repeats, len(given_labels)), -1, dtype=np.int64)
    for repeat in range(config.repeats):
        if few:
            fold[repeat, rows] = _balance(given_labels[rows], unit_of, config.n_folds, seed=seed + 7919 * repeat)
        else:
            key = f"{seed}/{repeat}".encode()
            turns = np.array([_hash(name, key) % config.n_folds for name in class_names])
            hashes = np.array([_hash(example_id, key) for example_id in example_ids[rows]], dtype=np.uint64)
            fold[repeat, rows] = _cut(hashes, given_labels[rows], unit_of, turns, config.n_folds)
    counts = np.bincount(given_labels[rows], minlength=len(class_names))
    enough = counts[given_labels] >= config.n_folds  # of fewer, hardly anything can be learned
    scored = np.logical_and.reduce([enough, *(_learnable(one, given_labels) for one in fold)])
    smallest = min(int(((each >= 0) & (each != held_out)).sum()) for each in fold for held_out in range(config.n_folds))
    if smallest < 2:
        raise DatasetError(
            "too-few-examples",
            f"{len(rows)} usable examples leave a fold of {config.n_folds} with {smallest} to train on",
            hint="give more data",
        )
    if not scored.any():
        raise DatasetError(
            "nothing-scored",
            f"no example can be scored: no class has {config.n_folds} examples, and these in different folds",
            hint="give more examples of each class, fewer folds, or fewer groups that hold whole classes",
        )
    return Folds(fold, scored, config.n_folds)


def find_units(n_examples: int, *must_share: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) numbers that are equal for examples which must share a fold, directly or through others.

    Each of ``must_share`` is (N,) numbers, equal where examples must share a fold for one reason.
    """
    rows = np.arange(n_examples)
    links = [np.unique(numbers, return_index=True, return_inverse=True)[1:] for numbers in must_share]
    sources = np.tile(rows, len(links))
    targets = np.concatenate([rows[:0], *(first[inverse] for first, inverse in links)])
    graph = coo_array((np.ones(len(sources), dtype=np.int8), (sources, targets)), shape=(n_examples, n_examples))
    _, units = connected_components(graph, directed=False)
    return np.asarray(units, dtype=np.int64)


def number_groups(groups: Strings) -> NDArray[np.int64]:
    """Return (N,) numbers, equal for equal names of groups; an empty name stands for no group."""
    return np.where(groups == "", len(groups) + np.arange(len(groups)), pd.factorize(groups)[0])


def unscored_reasons(folds: Folds, given_labels: GivenLabels, usable: Mask) -> dict[int, str]:
    """Return why, by row, a usable example is not scored."""
    counts = np.bincount(given_labels[usable])
    rows = np.flatnonzero(~folds.scored & usable).tolist()

    def reason(count: int) -> str:
        return ALONE if count == 1 else FEW if count < folds.n_folds else TOGETHER

    return {row: reason(int(counts[given_labels[row]])) for row in rows}


def _cut(
    hashes: NDArray[np.uint64],
    given_labels: GivenLabels,
    unit_of: NDArray[np.int64],
    turns: NDArray[np.int64],
    n_folds: int,
) -> NDArray[np.int64]:
    """Cut each class, in hashed order of its units, into ``n_folds`` parts of equal size.

    Each class starts at a fold of its own (``turns``), or rare classes would all fill the same folds.
    """
    members = pd.DataFrame({"unit": unit_of, "label": given_labels, "hash": hashes})
    units = members.groupby("unit").agg(hash=("hash", "min"), size=("hash", "size"))
    # The class of a unit is the one that the fewest units have, and of these the first: a class can be learned only if
    # its units are in different folds, which those of a common class always are.
    pairs = members[["unit", "label"]].drop_duplicates()
    pairs["n_units"] = pairs.groupby("label")["unit"].transform("size")
    units["label"] = pairs.sort_values(["n_units", "label"]).drop_duplicates("unit").set_index("unit")["label"]
    units = units.sort_values(["label", "hash"])
    sizes = units.groupby("label")["size"]
    middle = sizes.cumsum() - units["size"] / 2
    part = (middle * n_folds / sizes.transform("sum")).astype(np.int64)
    fold_of_unit = (part + turns[units["label"]]) % n_folds
    return np.asarray(fold_of_unit.sort_index(), dtype=np.int64)[unit_of]


def _balance(given_labels: GivenLabels, unit_of: NDArray[np.int64], n_folds: int, *, seed: int) -> NDArray[np.int64]:
    """Return folds that scikit-learn has balanced, for a few large groups."""
    fold = np.empty(len(unit_of), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed % 2**32)
    # With no class as large as n_folds there is nothing to stratify by, and scikit-learn would refuse.
    strata = given_labels if np.bincount(given_labels).max() >= n_folds else np.zeros_like(given_labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about classes smaller than n_folds: the summary names them
        for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(fold)), strata, unit_of)):
            fold[held_out] = number
    return fold


def _learnable(fold: NDArray[np.int64], given_labels: GivenLabels) -> Mask:
    """Return which examples have another of their class outside their own fold."""
    used = pd.DataFrame({"fold": fold, "label": given_labels})[fold >= 0]
    in_class = used.groupby("label")["fold"].transform("size")
    in_fold = used.groupby(["label", "fold"])["fold"].transform("size")
    learnable = np.zeros(len(fold), dtype=np.bool_)
    learnable[fold >= 0] = in_class > in_fold
    return learnable


def _hash(name: str, key: bytes) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=8).digest()
    return int.from_bytes(digest, "little")
