"""The labels that a person decides in order to measure how many are wrong, in the order in which they are decided.

Of every four labels, three come from where a decision says most, the doubtful ones; one comes from all the rest with
equal chances, so that errors which no model sees are counted too. Its place among the four is random: whoever decides
cannot know which it is. After any number of decisions, those made so far are such a sample.

The doubtful ones are drawn without replacement, with a chance in proportion to sqrt(s (1 - s)) where s is the sigmoid
of half the error log-odds. To draw so is to sort by log weight plus Gumbel noise: the keys of Efraimidis and Spirakis
(2006) on another scale.

Once labels are corrected, those of the old sample are right: another one is drawn then, with ``seed_for``.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_expit

from labelscan.arrays import Index, Mask, Strings, as_strings
from labelscan.detection.evidence import Evidence
from labelscan.wording.tables import write_csv

Floats = NDArray[np.float64]

COLUMNS = {
    "order": "in which to decide, from 1: the first 25, 50 or 100 are a sample too",
    "example_id": "as in scores.csv",
    "given_label": "the label to decide on",
    "stratum": "`doubtful`: drawn where a decision says most; `rest`: drawn with equal chances from all the others",
    "inclusion_probability": "the chance, before anything was drawn, of being among the first 50",
}
"""The columns of measure.csv, with what is in them."""
MOST = 200
"""How many labels are drawn; more decisions than that are a review."""
BLOCK = 4
"""Labels of which one is drawn from the rest."""
FIRST = 50
"""The number of decisions that ``inclusion_probability`` is about."""
MANTISSA = 52
"""Bits of a hash that make a number: with half a step added they are exact, and neither 0 nor 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredSample:
    """M labels to decide, in order."""

    index: Index
    """(M,) rows of the evidence, each once."""
    is_doubtful: Mask
    """(M,) whether the label was drawn for its doubt, not from the rest."""
    inclusion_probability: Floats
    """(M,) the chance of being among the first ``FIRST``."""

    def __len__(self) -> int:
        return len(self.index)

    def write(self, path: Path, evidence: Evidence) -> None:
        """Write measure.csv."""
        columns = (
            np.arange(1, len(self) + 1),
            evidence.example_ids[self.index],
            as_strings(evidence.class_names)[evidence.given_labels[self.index]],
            np.where(self.is_doubtful, "doubtful", "rest").astype(object),
            self.inclusion_probability,
        )
        write_csv(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))), path)


def seed_for(evidence: Evidence, seed: int) -> int:
    """Return the seed for a run with ``seed``: another one for each set of labels, in whatever order their rows are."""
    labels = as_strings(evidence.class_names)[evidence.given_labels]
    pairs = (f"{example_id}\0{label}" for example_id, label in zip(evidence.example_ids, labels, strict=True))
    return seed + int(_hashes(pairs)[:, 0].sum())  # which no order changes


def draw_sample(example_ids: Strings, error_log_odds: Floats, *, seed: int) -> MeasuredSample:
    """Return up to ``MOST`` of N labels to decide; it depends on ids, log-odds and seed, not on the order of rows.

    ``error_log_odds`` are (N,) finite, those by which noise-posterior ranks the labels.
    """
    bits = _hashes(example_ids, key=str(seed).encode())
    # Numbers between 0 and 1, both excluded, that depend on id and seed alone.
    by_doubt, by_chance = (((bits >> np.uint64(64 - MANTISSA)) + 0.5) / 2**MANTISSA).T
    # log sqrt(s (1 - s)), finite for all log-odds
    log_weight: Floats = 0.5 * (log_expit(error_log_odds / 2) + log_expit(-error_log_odds / 2))
    doubtful = np.argsort(np.log(-np.log(by_doubt)) - log_weight, kind="stable")
    rest = np.argsort(by_chance, kind="stable")
    n_drawn = min(MOST, len(example_ids))
    # One in each block is drawn from the rest, at a random place.
    places = np.random.default_rng(seed).integers(BLOCK, size=-(-n_drawn // BLOCK))
    of_rest: Mask = (np.arange(BLOCK) == places[:, None]).ravel()[:n_drawn]
    queues = {False: iter(doubtful.tolist()), True: iter(rest.tolist())}
    drawn: dict[int, None] = {}  # a set that keeps its order
    for is_rest in of_rest.tolist():
        drawn[next(row for row in queues[is_rest] if row not in drawn)] = None
    index = np.array(list(drawn), dtype=np.int64)
    chance = _inclusion_probability(log_weight)
    return MeasuredSample(index=index, is_doubtful=~of_rest, inclusion_probability=chance[index])


def _inclusion_probability(log_weight: Floats) -> Floats:
    """Return (N,) the chance of each label to be among the first ``FIRST``.

    That is, for the n doubtful ones, n * weight / (sum of all weights) and at most 1, which is nearly exact unless few
    labels have nearly all of the weight; and for those that are left, the chance of a random draw.
    """
    weight = np.exp(log_weight - log_weight.max())
    n_rest = FIRST / BLOCK
    n_doubtful = FIRST - n_rest
    doubtful = np.minimum(n_doubtful * weight / weight.sum(), 1)
    rest = n_rest / max(len(weight) - n_doubtful, n_rest)
    return cast(Floats, doubtful + (1 - doubtful) * rest)


def _hashes(texts: Iterable[str], key: bytes = b"") -> NDArray[np.uint64]:
    """Return (N, 2) numbers that depend on each text and the key alone."""
    hashes = (hashlib.blake2b(one.encode("utf-8", "surrogatepass"), key=key, digest_size=16) for one in texts)
    return np.frombuffer(b"".join(one.digest() for one in hashes), dtype="<u8").reshape(-1, 2)
