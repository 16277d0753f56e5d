"""Planted label errors with known truth: what detectors are measured against.

Rates are exact, not expected: 200 examples with 10 % noise have 20 wrong labels at every seed, so that results of
different seeds differ by the models and not by the number of errors. (Only ``per-class:LOW-HIGH`` draws which class
gets which rate, and classes may differ in size.) Which examples become wrong is drawn: by class alone, or, for
``instance``, by how hard each example is.
"""

import re
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from labelscan.arrays import GivenLabels, PredProbs, TrueLabels, check_pred_probs
from labelscan.errors import ConfigError
from labelscan.noise.ceilings import error_chances, highest_f1, other_probs
from labelscan.noise.label_moves import CleanLabels, choose, draw_other, move_anywhere, move_by_matrix, rounded
from labelscan.noise.matrices import check_noise_matrix, mean_probs_by_class, read_table, similar_class_matrix
from labelscan.registry import OptionError, Registry, check_option, read_value


class Noise(Protocol):
    """A way in which labels go wrong."""

    needs_pred_probs: bool
    """Whether it can only be planted with ``pred_probs``."""

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        """Return (N,) given labels: the true ones with errors in them."""


@dataclass(frozen=True)
class SymmetricNoise:
    """Wrong labels drawn uniformly from the other classes.

    Args:
        rate: share of labels that become wrong, in [0, 1), the same in each class.
    """

    rate: float = 0.1
    needs_pred_probs = False

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        return move_anywhere(clean, choose(clean, self.rate, generator), generator)


@dataclass(frozen=True)
class PairNoise:
    """Wrong labels that are always the next class, the last becoming the first (pair flip).

    Args:
        rate: share of labels that become wrong, in [0, 1), the same in each class.
    """

    rate: float = 0.1
    needs_pred_probs = False

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        chosen = choose(clean, self.rate, generator)
        given_labels = clean.true_labels.copy()
        given_labels[chosen] = (clean.true_labels[chosen] + 1) % clean.n_classes
        return given_labels


class PerClassNoise:
    """Wrong labels at a different rate in each class, drawn uniformly from the other classes.

    Args:
        rates: one rate a class, in the order of the classes, as in ``0.02/0.2/0.05``; or the lowest and the
            highest, as in ``0-0.2``: the rates of the classes are then spread evenly between them, in an order that
            the seed decides. Each in [0, 1).
    """

    needs_pred_probs = False

    def __init__(self, rates: str = "0-0.2") -> None:
        # A minus behind an e belongs to its number, as in 1e-3.
        lowest_and_highest = re.split(r"(?<![eE])-", rates)
        self.is_range = len(lowest_and_highest) == 2 and "/" not in rates
        self.rates = []
        for text in lowest_and_highest if self.is_range else rates.split("/"):
            rate = cast(float, read_value(text.strip(), float, where="noise per-class, option rates"))
            _check_rate(rate, "rates")
            self.rates.append(rate)
        if self.is_range and self.rates[0] > self.rates[1]:
            hint = "the lowest comes first, as in 0.02-0.25"
            raise OptionError("not-increasing", f"goes down, got {rates}", "rates", hint=hint)

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        if self.is_range:
            lowest, highest = self.rates
            rates = generator.permutation(np.linspace(lowest, highest, clean.n_classes))
        elif len(self.rates) == clean.n_classes:
            rates = np.array(self.rates)
        else:
            problem = f"{len(self.rates)} {'rate' if len(self.rates) == 1 else 'rates'} for {clean.n_classes} classes"
            hint = "give one a class, as in 0.02/0.2/..., or the lowest and the highest, as in 0.02-0.25"
            raise ConfigError("classes-mismatch", problem, where="noise per-class, option rates", hint=hint)
        return move_anywhere(clean, choose(clean, rates, generator), generator)


class SimilarClassNoise:
    """Wrong labels that are classes similar to the true one, so harder to find than symmetric noise.

    How alike classes are comes from the probabilities of a model trained on the true labels, or from a file. A class
    that is never taken for another becomes all others with equal chance.

    Args:
        rate: share of labels that become wrong, in [0, 1), the same in each class.
        similarity: a CSV file of K rows and K columns: how often the true class (row) is taken for another (column),
            on any scale; the diagonal is ignored.
    """

    def __init__(self, rate: float = 0.1, similarity: str | None = None) -> None:
        _check_rate(rate)
        self.rate, self.file = rate, similarity or ""
        self.similarity = read_table(self.file) if self.file else None
        if self.similarity is not None:
            similar_class_matrix(self.similarity, self.rate, file=self.file)  # refuses a wrong file now
        self.needs_pred_probs = self.similarity is None

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        similarity = self.similarity
        if similarity is None:
            assert clean.pred_probs is not None
            similarity = mean_probs_by_class(clean.pred_probs, clean.true_labels)
        return move_by_matrix(clean, similar_class_matrix(similarity, self.rate, file=self.file), generator)


class MatrixNoise:
    """Wrong labels in the proportions of a noise matrix: any rate from any class to any other.

    Args:
        file: a CSV file of K rows and K columns without a header, P(given = row | true = column), in the order of
            the classes; columns sum to 1.
    """

    needs_pred_probs = False

    def __init__(self, file: str | None = None) -> None:
        if not file:
            raise OptionError("no-file-named", "no file is named", "file", hint="write matrix:FILE.csv")
        self.file = file
        self.noise_matrix = check_noise_matrix(read_table(file), file=file)

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        return move_by_matrix(clean, self.noise_matrix, generator, file=self.file)


@dataclass(frozen=True)
class InstanceNoise:
    """Wrong labels on the hardest examples: each becomes a class that the example looks like.

    How hard an example is comes from out-of-fold probabilities of a model trained on the true labels. Rows are drawn
    without replacement, with weights of ``(1 - p) ** hardness``, p being the probability of the true label, by the keys
    log weight + Gumbel noise (Efraimidis and Spirakis, Information Processing Letters 97, 2006); then each moves to a
    class drawn by its own probabilities of the others. The rate is exact over all, not in each class. No detector can
    find all of these errors: some examples look more like their wrong label.

    Source: after Chen et al., AAAI 2021, arXiv:2012.05458, which uses in-sample probabilities, the hardest examples
    instead of a draw, and always the most probable other class.

    Args:
        rate: share of labels that become wrong, in [0, 1).
        hardness: how much errors prefer hard examples: 0 draws all alike, large values choose the hardest.
    """

    rate: float = 0.1
    hardness: float = 1.0
    needs_pred_probs = True

    def __post_init__(self) -> None:
        _check_rate(self.rate)
        check_option(0 <= self.hardness < np.inf, self.hardness, "hardness", "finite and at least 0")

    def plant(self, clean: CleanLabels, generator: np.random.Generator) -> GivenLabels:
        assert clean.pred_probs is not None
        true_labels = clean.true_labels
        rows = np.arange(len(true_labels))
        other = other_probs(clean.pred_probs)[rows, true_labels]
        keys = self.hardness * np.log(other) + generator.gumbel(size=len(rows))
        chosen = np.argsort(-keys, kind="stable")[: rounded(self.rate * len(rows))]
        others = clean.pred_probs[chosen].astype(np.float64)
        others[np.arange(len(chosen)), true_labels[chosen]] = 0
        given_labels = true_labels.copy()
        given_labels[chosen] = draw_other(others, true_labels[chosen], generator)
        return given_labels


NOISES: Registry[Noise] = Registry(
    "noise",
    {
        "symmetric": SymmetricNoise,
        "pair": PairNoise,
        "look-alike": SimilarClassNoise,
        "per-class": PerClassNoise,
        "matrix": MatrixNoise,
        "instance": InstanceNoise,
    },
)


def plant(
    true_labels: TrueLabels, n_classes: int, text: str, seed: int, *, pred_probs: PredProbs | None = None
) -> GivenLabels:
    """Return given labels: a copy of ``true_labels`` with the errors that ``text`` asks for.

    Args:
        true_labels: (N,) in [0, K).
        n_classes: K, at least 2; classes without an example may be among them.
        text: a noise with its rate, as in ``symmetric:0.1`` or ``instance:rate=0.2,hardness=2``.
        seed: the same seed plants the same errors.
        pred_probs: of a model trained on the true labels; needed where ``needs_pred_probs`` says so.

    Raises:
        ConfigError: an unknown noise, a rate outside [0, 1), a single class, a label outside [0, K), or no
            ``pred_probs`` where needed.
        ProbabilitiesError: ``pred_probs`` are not probabilities of these examples.
    """
    noise = NOISES.build(text)
    if noise.needs_pred_probs and pred_probs is None:
        problem = f"{text} needs the out-of-fold probabilities of a model trained on the true labels"
        hint = "pass pred_probs, or plant symmetric, pair or per-class errors, which need none"
        raise ConfigError("needs-probabilities", problem, where="noise", hint=hint)
    if n_classes < 2:
        raise ConfigError("one-class", f"{n_classes} class: there is no other to move a label to", where="noise")
    labels = np.asarray(true_labels, dtype=np.int64)
    if labels.ndim != 1:
        raise ConfigError("wrong-shape", f"true labels have shape {labels.shape}, not (N,)", where="noise")
    outside = labels[(labels < 0) | (labels >= n_classes)]
    if len(outside):
        problem = f"the true label {outside[0]} is not in 0 .. {n_classes - 1}"
        raise ConfigError("unknown-class", problem, where="noise", hint="true labels are numbers of classes, from 0")
    if not noise.needs_pred_probs:
        pred_probs = None
    elif pred_probs is not None and len(labels):
        check_pred_probs(pred_probs, labels, [str(label) for label in range(n_classes)])
    return noise.plant(CleanLabels(labels, n_classes, pred_probs), np.random.default_rng(seed))


def f1_ceiling(
    text: str,
    true_labels: TrueLabels,
    given_labels: GivenLabels,
    *,
    pred_probs: PredProbs,
    belief: PredProbs | None = None,
) -> float | None:
    """Return the highest F1 that can be expected of a detector, NaN without errors, None for other than ``instance``.

    The detector may know how errors are planted and, of the true labels, what ``belief`` says.

    Args:
        text: the noise that was planted.
        true_labels, given_labels, pred_probs: as in ``plant``, and what it returned.
        belief: (N, K) calibrated probabilities of the true labels; ``pred_probs`` where absent.
    """
    noise = NOISES.build(text)
    if not isinstance(noise, InstanceNoise):
        return None
    belief = pred_probs if belief is None else belief
    return highest_f1(error_chances(given_labels, true_labels, pred_probs, belief, hardness=noise.hardness))


def needs_pred_probs(text: str) -> bool:
    """Return whether the noise that ``text`` names can only be planted with ``pred_probs``, or raise ConfigError."""
    return NOISES.build(text).needs_pred_probs


def _check_rate(rate: float, option: str = "rate") -> None:
    if not 0 <= rate < 1:
        raise OptionError("out-of-range", f"must be at least 0 and below 1, got {rate:g}", option, hint="0.1 is 10 %")
