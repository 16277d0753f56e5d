"""Models that are not networks: trees, boosting and linear models of scikit-learn, which err apart from networks.

They take rows of features, pixels, the columns of a table, or the features of a frozen backbone, and their
probabilities are an opinion of another kind at little cost; those of texts bring their encoder, and need no weights.
scikit-learn is loaded where one is made.
"""

import warnings
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from labelscan.registry import check_option
from labelscan.training.encoders import Encoder, Matrix, columns, tfidf

MOST_PIXELS = 1024
"""The most values of an image that are columns of their own; larger images are averaged over squares of pixels."""


class Classifier(Protocol):
    """The methods of a scikit-learn classifier that we call."""

    classes_: NDArray[np.generic]

    def fit(self, x: Matrix, y: NDArray[np.int64]) -> object: ...

    def predict_proba(self, x: Matrix) -> NDArray[np.float64]: ...


class ClassifierModel(Protocol):
    """A model that makes classifiers in place of networks; picklable, as networks' models are."""

    kind: ClassVar[Literal["classifier"]]
    takes: str
    family: str
    """Models of one family err on the same examples."""

    def make_classifier(self, seed: int, threads: int) -> Classifier:
        """Return a fresh classifier; ``seed``, below 2 ** 32, fixes all that it draws at random."""

    def make_encoder(self) -> Encoder:
        """Return a fresh encoder of M texts, or of M rows of a table, to what the classifier takes."""


@dataclass(frozen=True)
class ExtraTrees:
    """Extremely randomised trees on features or pixels: no training to tune, and errors unlike those of a network.

    Source: Geurts, Ernst and Wehenkel, Machine Learning 2006; scikit-learn's ExtraTreesClassifier.

    Args:
        n_estimators: trees.
        min_samples_leaf: examples that a leaf holds at least; more make smoother probabilities.
    """

    kind: ClassVar[Literal["classifier"]] = "classifier"
    takes, family = "features", "trees"
    make_encoder = staticmethod(columns.make_for_networks)
    n_estimators: int = 100
    min_samples_leaf: int = 1

    def __post_init__(self) -> None:
        check_option(self.n_estimators >= 1, self.n_estimators, "n_estimators", "at least 1")
        check_option(self.min_samples_leaf >= 1, self.min_samples_leaf, "min_samples_leaf", "at least 1")

    def make_classifier(self, seed: int, threads: int) -> Classifier:
        from sklearn.ensemble import ExtraTreesClassifier

        trees: Classifier = ExtraTreesClassifier(
            self.n_estimators, min_samples_leaf=self.min_samples_leaf, random_state=seed, n_jobs=threads
        )
        return trees


@dataclass(frozen=True)
class Boosting:
    """Gradient boosting of trees on binned features, for tables of some thousand rows and few classes.

    Source: Ke et al., NeurIPS 2017 (LightGBM); scikit-learn's HistGradientBoostingClassifier.

    Args:
        max_iter: rounds, each with one tree a class.
        learning_rate: how much each tree counts, above 0.
        max_rows: rows that it is fitted to at most, drawn from each class in proportion; 0 is all.
    """

    kind: ClassVar[Literal["classifier"]] = "classifier"
    takes, family = "features", "trees"
    make_encoder = staticmethod(columns.make_for_trees)
    max_iter: int = 60
    learning_rate: float = 0.1
    max_rows: int = 400_000

    def __post_init__(self) -> None:
        check_option(self.max_iter >= 1, self.max_iter, "max_iter", "at least 1")
        check_option(self.learning_rate > 0, self.learning_rate, "learning_rate", "above 0")
        check_option(self.max_rows >= 0, self.max_rows, "max_rows", "0 or more")

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        from sklearn.ensemble import HistGradientBoostingClassifier

        # It would stop early by examples put aside at random, of which a rare class may have none.
        boosting: Classifier = HistGradientBoostingClassifier(
            max_iter=self.max_iter, learning_rate=self.learning_rate, early_stopping=False, random_state=seed
        )
        return boosting


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on standardised features.

    Args:
        C: inverse of the penalty on large weights, above 0.
    """

    kind: ClassVar[Literal["classifier"]] = "classifier"
    takes, family = "features", "linear"
    make_encoder = staticmethod(columns.make_for_networks)
    C: float = 0.1

    def __post_init__(self) -> None:
        check_option(self.C > 0, self.C, "C", "above 0")

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline: Classifier = make_pipeline(StandardScaler(), LogisticRegression(C=self.C, max_iter=1000))
        return pipeline


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on one-hot labels, in closed form: seconds for thousands of features.

    The penalty and the sharpness of its probabilities are those under which the training labels are likeliest, each
    predicted by the regression on all the others; ``RidgeClassifier`` has the formulas.
    """

    kind: ClassVar[Literal["classifier"]] = "classifier"
    takes, family = "features", "linear"
    make_encoder = staticmethod(columns.make_for_networks)

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        return RidgeClassifier()


@dataclass(frozen=True)
class Tfidf:
    """Logistic regression on TF-IDF of words and of pieces of words: always there, and in any language.

    Args:
        C: inverse of the penalty on large weights, above 0.
        passes: how often training goes through the texts at most. Saga has learned nearly all in ten, in a tenth of the
            time of solvers that go on to the optimum.
    """

    kind: ClassVar[Literal["classifier"]] = "classifier"
    takes, family = "texts", "linear"
    make_encoder = staticmethod(tfidf.TfidfEncoder)
    C: float = 3.0
    passes: int = 10

    def __post_init__(self) -> None:
        check_option(self.C > 0, self.C, "C", "above 0")
        check_option(self.passes >= 1, self.passes, "passes", "at least 1")

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        class FewPasses(LogisticRegression):  # type: ignore[misc]  # which has no types
            def fit(self, x: Matrix, y: NDArray[np.int64]) -> Self:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)  # it stops where it was told to
                    super().fit(x, y)
                return self

        logistic: Classifier = FewPasses(C=self.C, solver="saga", max_iter=self.passes, tol=1e-2, random_state=seed)
        return logistic


@dataclass(frozen=True)
class Bayes:
    """Naive Bayes on counts of words, which errs apart from a linear model.

    Source: Rennie, Shih, Teevan and Karger, ICML 2003, for texts; scikit-learn's MultinomialNB.

    Args:
        alpha: how often each word is taken to have been seen before in every class, above 0.
    """

    kind: ClassVar[Literal["classifier"]] = "classifier"
    takes, family = "texts", "word counts"
    make_encoder = staticmethod(tfidf.make_word_counts)
    alpha: float = 0.1

    def __post_init__(self) -> None:
        check_option(self.alpha > 0, self.alpha, "alpha", "above 0")

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        from sklearn.naive_bayes import MultinomialNB

        bayes: Classifier = MultinomialNB(alpha=self.alpha)
        return bayes


class RidgeClassifier:
    """A ridge regression on one-hot labels whose scores become probabilities by softmax.

    The leave-one-out predictions of a linear smoother H have a closed form, ``z_-n = (z_n - h_n y_n) / (1 - h_n)`` with
    h the diagonal of H: so the penalty and the scale of the softmax are chosen on predictions for unseen examples.
    """

    PENALTIES = tuple(10.0**power for power in range(-4, 2))
    """Shares of the mean squared singular value of the standardised columns."""
    SCALES = (0.1, 100.0)
    """The range of scales; scores are about 1 for the class and 0 for others."""
    most_pixels = MOST_PIXELS
    """As for a model by name, where an object is given in its place."""

    classes_: NDArray[np.generic]

    def fit(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> "RidgeClassifier":
        """Fit all penalties to (N, D) features and (N,) labels, and keep the likeliest."""
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.mean_, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
        self.deviation_ = np.where(deviation > 0, deviation, 1)
        columns, one_hot = self._standardised(x), np.eye(len(self.classes_))[labels]
        self.shares_ = one_hot.mean(axis=0)
        u, singular, v = _thin_svd(columns)
        targets = u.T @ (one_hot - self.shares_)
        mean_square = singular @ singular / max(len(singular), 1)  # there are none where no column varies
        best = -np.inf
        for penalty in self.PENALTIES:
            shrunk = singular**2 / (singular**2 + penalty * mean_square)
            leverage = np.minimum(1 / len(x) + np.square(u) @ shrunk, 1 - 1e-6)[:, None]
            scores = self.shares_ + u @ (shrunk[:, None] * targets)
            scale, likelihood = self._likeliest_scale((scores - leverage * one_hot) / (1 - leverage), labels)
            if likelihood > best:
                best, self.scale_ = likelihood, scale
                self.weights_ = v @ ((shrunk / singular)[:, None] * targets)
        return self

    def predict_proba(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (M, K) probabilities for (M, D) features, in the order of ``classes_``."""
        from scipy.special import softmax

        scores = self.shares_ + self._standardised(x) @ self.weights_
        return np.asarray(softmax(self.scale_ * scores, axis=1), dtype=np.float64)

    def _standardised(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        columns: NDArray[np.float64] = (x.astype(np.float64) - self.mean_) / self.deviation_
        return columns

    def _likeliest_scale(self, scores: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
        """Return the scale of the softmax, and the mean log-likelihood of the labels under it."""
        from scipy.optimize import minimize_scalar
        from scipy.special import logsumexp

        given = scores[np.arange(len(labels)), labels]

        def loss(log_scale: float) -> float:
            scale = np.exp(log_scale)
            return float(np.mean(logsumexp(scale * scores, axis=1) - scale * given))

        found = minimize_scalar(loss, bounds=np.log(self.SCALES), method="bounded")
        return float(np.exp(found.x)), -float(found.fun)


def _thin_svd(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return u (N, R), singular values (R,) and v (D, R) of an (N, D) matrix, without those that are nearly 0.

    The eigenvectors of the smaller of its two Gram matrices are found in a fraction of the time of an SVD.
    """
    is_tall = columns.shape[0] >= columns.shape[1]
    squares, vectors = np.linalg.eigh(columns.T @ columns if is_tall else columns @ columns.T)
    kept = squares > 1e-10 * max(float(squares[-1]), 1e-12)
    singular, vectors = np.sqrt(squares[kept]), vectors[:, kept]
    if is_tall:
        return columns @ vectors / singular, singular, vectors
    return vectors, singular, columns.T @ vectors / singular
