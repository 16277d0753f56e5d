"""How many labels are wrong, estimated from how often the given labels and two or more models agree.

No single model can tell its own doubt from that of the labels. Models of different kinds can: the given labels and the
predictions of each are annotators of unknown skill, as in Dawid and Skene (1979), and what two of them agree on against
the third shows the skill of all. Ours differs from the paper in three ways: annotators err more often in some strata of
the examples (easy and hard ones) than in others; the shape of their confusions is common to all strata; and the truth
is one of the labels that some annotator names, so that no array has a number for every example and class.

It holds as far as annotators err apart. Where models often differ they are weak there, and weak models err together on
the same examples; so the agreement is only believed to the share on which models do agree.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Mask, PredProbs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_STRATA = 10
SMALLEST_STRATUM = 100
MAX_STEPS = 200
TOLERANCE = 1e-6
"""Expectation maximisation ends when the probabilities of wrong labels change by less on the mean."""
RIGHT, WRONG = 1.0, 0.1
"""Labels of each class that an annotator is taken to have got right and wrong before any is seen."""
COMMON = 10.0
"""Examples of all strata that the shares of classes in a stratum are smoothed with."""
MOST_OFTEN_WRONG = 0.95
TINY = 1e-12


def find_agreement(
    given_labels: GivenLabels, confidence: Floats, members: list[PredProbs]
) -> tuple[Ints, Floats, Floats]:
    """Return how N given labels and two or more members of different kinds agree.

    Easy examples are distinguished from hard ones by (N,) ``confidence``, that of the pooled members.

    Returns:
        (N,) the stratum of each example, the least confident first; (S,) the share of wrong labels in each stratum, if
        annotators err apart; and (S,) how far to believe it: the share on which the models agree.
    """
    assert len(members) > 1
    predicted = [probs.argmax(axis=1) for probs in members]
    n_strata = min(max(len(confidence) // SMALLEST_STRATUM, 1), MOST_STRATA)
    edges = np.quantile(confidence, np.arange(1, n_strata) / n_strata)
    # They are of about equal size; examples of equal confidence share one.
    _, strata, sizes = np.unique(
        np.searchsorted(edges, confidence, side="right"), return_inverse=True, return_counts=True
    )
    agree = np.mean([a == b for number, a in enumerate(predicted) for b in predicted[:number]], axis=0)
    wrong = wrong_given_labels(np.column_stack([given_labels, *predicted]), strata, members[0].shape[1])
    return strata, np.bincount(strata, weights=wrong) / sizes, np.bincount(strata, weights=agree) / sizes


def wrong_given_labels(votes: Ints, strata: Ints, n_classes: int) -> Floats:
    """Return (N,) the probability that the given label is wrong, by expectation maximisation.

    ``votes`` are (N, A) the labels of A annotators, the given labels first. Examples with the same votes in the same
    stratum are the same case, so time grows with the number of cases.
    """
    case_of_example = strata
    for column in votes.T:
        _, case_of_example = np.unique(case_of_example * n_classes + column, return_inverse=True)
    _, first, sizes = np.unique(case_of_example, return_index=True, return_counts=True)
    strata, votes = strata[first], votes[first]
    named = votes[:, :, None] == votes[:, None, :]  # (case, candidate for the truth, annotator)
    repeated: Mask = np.tril(named, -1).any(axis=2)  # a candidate that an earlier annotator has named already
    posterior = np.where(repeated, 0.0, named.sum(axis=2))
    posterior /= posterior.sum(axis=1, keepdims=True)
    for _ in range(MAX_STEPS):
        weights = cast(Floats, posterior * sizes[:, None])
        log_joint = _log_shares(weights, strata, votes, n_classes)
        for annotator in range(votes.shape[1]):
            log_joint += _log_likelihood(weights, strata, votes, annotator, named[:, :, annotator], n_classes)
        log_joint[repeated] = -np.inf
        following = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
        following /= following.sum(axis=1, keepdims=True)
        change = float(sizes @ np.abs(following - posterior)[:, 0]) / len(case_of_example)
        posterior = following
        if change < TOLERANCE:
            break
    return cast(Floats, (1 - posterior[:, 0])[case_of_example])


def _log_shares(weights: Floats, strata: Ints, votes: Ints, n_classes: int) -> Floats:
    """Return the logarithm of the share that each candidate's class has in its stratum."""
    n_strata, cells = int(strata.max()) + 1, strata[:, None] * n_classes + votes
    flat = np.bincount(cells.ravel(), weights=weights.ravel(), minlength=n_strata * n_classes)
    shares = flat.reshape(n_strata, n_classes).astype(np.float64)
    shares += COMMON * shares.sum(axis=0) / shares.sum() + WRONG
    shares /= shares.sum(axis=1, keepdims=True)
    return cast(Floats, np.log(shares.ravel()[cells]))


def _log_likelihood(
    weights: Floats, strata: Ints, votes: Ints, annotator: int, is_right: Mask, n_classes: int
) -> Floats:
    """Return (C, A) the log-likelihood of an annotator's votes for each candidate, under its own best parameters."""
    vote, cells = votes[:, annotator, None], votes * n_classes + votes[:, annotator, None]
    flat = np.bincount(cells.ravel(), weights=weights.ravel(), minlength=n_classes**2)
    confusion = flat.reshape(n_classes, n_classes).astype(np.float64)
    right = confusion.diagonal() + RIGHT
    np.fill_diagonal(confusion, 0)
    wrong = confusion.sum(axis=1) + WRONG
    error_rate = (wrong / (right + wrong))[votes]
    confusion += confusion.sum() / weights.sum() / n_classes + TINY
    np.fill_diagonal(confusion, 0)
    confusion /= confusion.sum(axis=1, keepdims=True)
    # How much more often than elsewhere the annotator errs in this stratum.
    observed = np.bincount(strata, weights=(weights * ~is_right).sum(axis=1)) + 1
    expected = np.bincount(strata, weights=(weights * error_rate).sum(axis=1)) + 1
    error_rate = np.minimum(error_rate * (observed / expected)[strata, None], MOST_OFTEN_WRONG)
    likelihood = np.where(is_right, 1 - error_rate, error_rate * confusion[votes, vote])
    return cast(Floats, np.log(np.maximum(likelihood, TINY)))
