"""Planted label errors with known truth: what detectors are measured against.

Rates are exact, not expected: a benchmark of 200 examples with 10 % noise has 20 wrong labels at every seed, so
that results of different seeds differ by the models and not by the number of errors.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, TrueLabels
from labelscan.errors import ConfigError
from labelscan.registry import PartSpec, Registry


class Noise(Protocol):
    """A way in which labels go wrong."""

    def plant(self, true_labels: TrueLabels, n_classes: int, generator: np.random.Generator) -> GivenLabels:
        """Return (N,) given labels: ``true_labels`` with errors in them."""


class SymmetricNoise:
    """Wrong labels that are any other class with equal chance.

    Args:
        rate: share of labels that become wrong, in [0, 1), the same in each class.
    """

    def __init__(self, rate: float = 0.1) -> None:
        self.rate = _checked(rate, "symmetric")

    def plant(self, true_labels: TrueLabels, n_classes: int, generator: np.random.Generator) -> GivenLabels:
        """Return (N,) given labels, ``rate`` of them moved to a class drawn from the others."""
        chosen = _choose(true_labels, n_classes, self.rate, generator)
        others = generator.integers(0, n_classes - 1, size=len(chosen))
        given_labels = true_labels.copy()
        # A number below the true class stays, one at or above it moves up: uniform over the others.
        given_labels[chosen] = others + (others >= true_labels[chosen])
        return given_labels


class PairNoise:
    """Wrong labels that are always the next class, the last becoming the first (*pair flip*).

    Args:
        rate: share of labels that become wrong, in [0, 1), the same in each class.
    """

    def __init__(self, rate: float = 0.1) -> None:
        self.rate = _checked(rate, "pair")

    def plant(self, true_labels: TrueLabels, n_classes: int, generator: np.random.Generator) -> GivenLabels:
        """Return (N,) given labels, ``rate`` of them moved to the next class."""
        chosen = _choose(true_labels, n_classes, self.rate, generator)
        given_labels = true_labels.copy()
        given_labels[chosen] = (true_labels[chosen] + 1) % n_classes
        return given_labels


NOISES: Registry[Noise] = Registry("noise", {"symmetric": SymmetricNoise, "pair": PairNoise})


def plant(true_labels: TrueLabels, n_classes: int, text: str, seed: int) -> GivenLabels:
    """Return (N,) int64 given labels: ``true_labels`` with the errors that ``text`` asks for.

    Args:
        true_labels: (N,) in [0, n_classes); left as it is.
        n_classes: K, at least 2; classes without an example may be among them.
        text: a noise with its rate, as in ``symmetric:0.1`` or ``pair:rate=0.2``.
        seed: the same seed plants the same errors.

    Raises:
        ConfigError: an unknown noise, a rate outside [0, 1), or a single class.
    """
    noise = NOISES.build_spec(PartSpec.parse(text, where="noise"))
    if n_classes < 2:
        raise ConfigError(f"{n_classes} class: there is no other to move a label to", where="noise")
    labels = np.asarray(true_labels, dtype=np.int64)
    assert labels.ndim == 1
    assert not len(labels) or (labels.min() >= 0 and labels.max() < n_classes)
    return noise.plant(labels, n_classes, np.random.default_rng(seed))


def _checked(rate: float, name: str) -> float:
    if not 0 <= rate < 1:
        raise ConfigError(
            f"must be at least 0 and below 1, got {rate:g}", where=f"noise {name}, option rate", hint="0.1 is 10 %"
        )
    return rate


def _choose(true_labels: TrueLabels, n_classes: int, rate: float, generator: np.random.Generator) -> Index:
    """Return the rows that become wrong, the same share of each class."""
    class_counts = np.bincount(true_labels, minlength=n_classes)
    by_class = np.split(np.argsort(true_labels, kind="stable"), np.cumsum(class_counts)[:-1])
    wanted = _share_out(class_counts, rate, generator)
    chosen = [generator.permutation(rows)[:count] for rows, count in zip(by_class, wanted, strict=True)]
    return np.concatenate(chosen).astype(np.int64)


def _share_out(class_counts: NDArray[np.int64], rate: float, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return how many examples of each class become wrong.

    Each count is ``rate`` times the size of the class, rounded down or up so that their sum is ``rate`` times
    all, rounded; rounding each class by itself would leave many small classes without a single error.
    """
    exact = class_counts * rate
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    left_over = int(np.floor(exact.sum() + 0.5)) - int(counts.sum())
    drawn = generator.permutation(len(counts))  # which of equal remainders are rounded up
    largest = drawn[np.argsort(counts[drawn] - exact[drawn], kind="stable")]
    counts[largest[:left_over]] += 1
    return counts
