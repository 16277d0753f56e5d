"""Models of texts that need no weights: TF-IDF or word counts with a head, both fitted in each fold."""

import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labelscan.registry import check_option
from labelscan.training.encoders import Encoder, Matrix, tfidf
from labelscan.training.models.classifiers import Classifier, ClassifierModel


class TextModel(ClassifierModel, Protocol):
    """A classifier of texts, with the encoder that makes numbers of them."""

    def make_encoder(self) -> Encoder:
        """Return a fresh encoder of (M,) texts to the rows that the classifier takes."""


@dataclass(frozen=True)
class Tfidf:
    """Logistic regression on TF-IDF of words and of pieces of words: always there, and in any language.

    Args:
        C: inverse of the penalty on large weights, above 0.
        passes: how often training goes through the texts at most. Saga has learned nearly all in ten, in a tenth of the
            time of solvers that go on to the optimum.
    """

    C: float = 3.0
    passes: int = 10

    def __post_init__(self) -> None:
        check_option(self.C > 0, self.C, "C", "above 0")
        check_option(self.passes >= 1, self.passes, "passes", "at least 1")

    def make_encoder(self) -> Encoder:
        return tfidf.TfidfEncoder()

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        return _FewPasses(self.C, self.passes, seed)


class _FewPasses:
    """Logistic regression that is not warned of having stopped where it was told to."""

    classes_: NDArray[np.generic]

    def __init__(self, penalty: float, passes: int, seed: int) -> None:
        from sklearn.linear_model import LogisticRegression

        self._logistic = LogisticRegression(C=penalty, solver="saga", max_iter=passes, tol=1e-2, random_state=seed)

    def fit(self, x: Matrix, y: NDArray[np.int64]) -> "_FewPasses":
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._logistic.fit(x, y)
        self.classes_ = self._logistic.classes_
        return self

    def predict_proba(self, x: Matrix) -> NDArray[np.float64]:
        return np.asarray(self._logistic.predict_proba(x), dtype=np.float64)


@dataclass(frozen=True)
class Bayes:
    """Naive Bayes on counts of words, which errs apart from a linear model.

    Source: Rennie, Shih, Teevan and Karger, ICML 2003, for texts; scikit-learn's MultinomialNB.

    Args:
        alpha: how often each word is taken to have been seen before in every class, above 0.
    """

    alpha: float = 0.1

    def __post_init__(self) -> None:
        check_option(self.alpha > 0, self.alpha, "alpha", "above 0")

    def make_encoder(self) -> Encoder:
        return tfidf.make_word_counts()

    def make_classifier(self, seed: int, threads: int) -> Classifier:  # noqa: ARG002
        from sklearn.naive_bayes import MultinomialNB

        bayes: Classifier = MultinomialNB(alpha=self.alpha)
        return bayes
