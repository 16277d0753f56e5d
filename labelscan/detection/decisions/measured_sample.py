"""The labels that a person decides in order to measure how many are wrong, in the order in which they are decided.

All labels are in strata by their error log-odds, and those of a stratum are drawn with equal chances: what they say
does not depend on any model (``interval``). Half of the labels drawn are from the *rest*, which models doubt least: it
is at least half of all labels, and more as long as its labels have no more than a quarter of the doubt. The other half
is from strata that share the remaining doubt equally. The doubt of a label is sqrt(s (1 - s)), where s is the sigmoid
of half its error log-odds.

Of every six labels one comes from each doubtful stratum and three from the rest, in random order: whoever decides
cannot know which is which. After any number of decisions, those made so far are such a sample.

Once labels are corrected, those of the old sample are right: another one is drawn then, with ``seed_for``.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_expit

from labelscan.arrays import Index, Strings, as_strings
from labelscan.detection.decisions.decided_labels import DecidedLabels
from labelscan.detection.decisions.interval import DrawnLabels, Strata
from labelscan.detection.evidence import Evidence
from labelscan.wording.tables import write_csv

Floats = NDArray[np.float64]

COLUMNS = {
    "order": "in which to decide, from 1: the first 25, 50 or 100 are a sample too",
    "example_id": "as in scores.csv",
    "given_label": "the label to decide on",
    "stratum": "the part of all labels that it was drawn from: `0` is the rest, which models doubt least",
    "inclusion_probability": "the chance, before anything was drawn, of being among the first 50",
}
"""The columns of measure.csv, with what is in them."""
MOST = 200
"""How many labels are drawn; more decisions than that are a review."""
N_DOUBTFUL = 3
"""Strata of doubtful labels, beside the rest."""
LEAST_REST, DOUBT_OF_REST = 0.5, 0.25
"""The least share of the labels, and the largest share of the doubt, that the rest has."""
FIRST = 50
"""The number of decisions that ``inclusion_probability`` is about."""
TINY = 1e-290
NO_ROWS: Index = np.empty(0, dtype=np.int64)
KNOWN = -1
"""The stratum of labels that nothing is to be drawn from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredSample:
    """M labels to decide, in order."""

    index: Index
    """(M,) rows of the evidence, each once."""
    stratum: Strata
    """(N,) the stratum of each label of the evidence; 0 is the rest, ``KNOWN`` those known before."""
    inclusion_probability: Floats
    """(M,) the chance of being among the first ``FIRST``."""

    def __len__(self) -> int:
        return len(self.index)

    def drawn(self, decided: DecidedLabels, unsure: Iterable[int] = ()) -> DrawnLabels:
        """Return the labels of the sample that are decided, as far as it was followed.

        A label behind the first one that nobody has looked at was chosen from a list, not drawn. Of ``unsure`` rows
        nobody can tell, so that they count as not drawn.
        """
        looked_at = np.isin(self.index, [*decided.index.tolist(), *unsure])
        followed = self.index[: int(np.argmin(looked_at))] if not looked_at.all() else self.index
        return DrawnLabels(stratum=self.stratum, index=followed[np.isin(followed, decided.index)])

    def write(self, path: Path, evidence: Evidence) -> None:
        """Write measure.csv."""
        columns = (
            np.arange(1, len(self) + 1),
            evidence.example_ids[self.index],
            as_strings(evidence.class_names)[evidence.given_labels[self.index]],
            self.stratum[self.index],
            self.inclusion_probability,
        )
        write_csv(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))), path)


def seed_for(evidence: Evidence, seed: int) -> int:
    """Return the seed for a run with ``seed``: another one for each set of labels, in whatever order their rows are."""
    labels = as_strings(evidence.class_names)[evidence.given_labels]
    pairs = (f"{example_id}\0{label}" for example_id, label in zip(evidence.example_ids, labels, strict=True))
    return seed + int(_hashes(pairs)[:, 0].sum())  # which no order changes


def draw_sample(example_ids: Strings, error_log_odds: Floats, *, seed: int, known: Index = NO_ROWS) -> MeasuredSample:
    """Return up to ``MOST`` of N labels to decide; it depends on ids, log-odds and seed, not on the order of rows.

    ``error_log_odds`` are (N,) finite, those by which noise-posterior ranks the labels; rows that are ``known`` already
    are in the stratum ``KNOWN``.
    """
    if len(known):
        left = np.setdiff1d(np.arange(len(example_ids)), known)
        drawn = draw_sample(example_ids[left], error_log_odds[left], seed=seed)
        stratum = np.full(len(example_ids), KNOWN)
        stratum[left] = drawn.stratum
        return replace(drawn, index=left[drawn.index], stratum=stratum)
    bits = _hashes(example_ids, key=str(seed).encode())
    stratum = _strata(error_log_odds, ties=bits[:, 0])
    sizes = np.bincount(stratum, minlength=1 + N_DOUBTFUL)
    by_chance = np.argsort(bits[:, 1], kind="stable")
    queues = [iter(by_chance[stratum[by_chance] == one].tolist()) for one in range(1 + N_DOUBTFUL)]
    block = np.array([*range(1, 1 + N_DOUBTFUL), *[0] * N_DOUBTFUL])
    index: list[int] = []
    generator = np.random.default_rng(seed)
    while len(index) < min(MOST, len(example_ids)):
        index += [row for one in generator.permutation(block) for row in islice(queues[one], 1)]
    chance = np.minimum(FIRST * np.array([0.5, *[0.5 / N_DOUBTFUL] * N_DOUBTFUL]) / np.maximum(sizes, 1), 1)
    first = np.array(index[:MOST], dtype=np.int64)
    return MeasuredSample(index=first, stratum=stratum, inclusion_probability=chance[stratum[first]])


def _strata(error_log_odds: Floats, *, ties: NDArray[np.uint64]) -> Strata:
    """Return (N,) the stratum of each label: 0 for the rest, and more the likelier it is wrong."""
    ascending = np.lexsort((ties, error_log_odds))
    log_doubt = 0.5 * (log_expit(error_log_odds / 2) + log_expit(-error_log_odds / 2))[ascending]
    doubt = np.cumsum(np.exp(log_doubt - log_doubt.max()))
    n_rest = max(int((doubt <= DOUBT_OF_REST * doubt[-1]).sum()), math.ceil(LEAST_REST * len(doubt)))
    of_rest = doubt[n_rest - 1]
    share = (doubt[n_rest:] - of_rest) / max(doubt[-1] - of_rest, TINY)
    stratum = np.zeros(len(doubt), dtype=np.int64)
    stratum[ascending[n_rest:]] = np.clip(np.ceil(share * N_DOUBTFUL), 1, N_DOUBTFUL)
    return stratum


def _hashes(texts: Iterable[str], key: bytes = b"") -> NDArray[np.uint64]:
    """Return (N, 2) numbers that depend on each text and the key alone."""
    hashes = (hashlib.blake2b(one.encode("utf-8", "surrogatepass"), key=key, digest_size=16) for one in texts)
    return np.frombuffer(b"".join(one.digest() for one in hashes), dtype="<u8").reshape(-1, 2)
