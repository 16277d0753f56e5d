"""Data that comes with scikit-learn: it needs no download, to try labelscan or a setting."""

from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import PredProbs, TrueLabels
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.errors import ConfigError
from labelscan.events import Listener
from labelscan.images.sources import ImageArray
from labelscan.noise.plant import needs_pred_probs, plant
from labelscan.registry import nearest

SETTINGS: frozenset[str] = frozenset()
DEMOS = ("digits",)
OPTIONS = ("noise", "seed")
GREATEST_VALUE = 16
"""The brightest pixel of scikit-learn's digits."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is called ``demo:...``."""
    return config.data.startswith("demo:")


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # the whole data set is in memory
    """Return 1,797 digits of 8 x 8 pixels, for ``demo:digits?noise=symmetric:0.1&seed=3`` with planted label errors."""
    from sklearn.datasets import load_digits

    demo, _, query = config.data.partition(":")[2].partition("?")
    if demo not in DEMOS:
        raise ConfigError(
            "unknown-demo", f"no demo is called {demo!r}", where="dataset.data", hint=f"use demo:{DEMOS[0]}"
        )
    options = _options(query)
    digits = load_digits()
    images = np.rint(digits.images * (255 / GREATEST_VALUE)).astype(np.uint8)[..., None]
    true_labels = digits.target.astype(np.int64)
    given_labels = true_labels
    notes = ["the digits that come with scikit-learn"]
    if "noise" in options:
        noise, seed = options["noise"], options.get("seed", "0")
        if not seed.isdecimal():
            problem = f"seed must be a whole number, got {seed!r}"
            raise ConfigError("wrong-type", problem, where="dataset.data")
        pred_probs = _pred_probs(images, true_labels) if needs_pred_probs(noise) else None
        given_labels = plant(true_labels, 10, noise, int(seed), pred_probs=pred_probs)
        notes.append(f"planted label errors: {int((given_labels != true_labels).sum())} ({noise})")
    return make_dataset(
        name=f"demo-{demo}",
        inputs=ImageArray(images),
        labels=[str(label) for label in given_labels.tolist()],
        example_ids=[str(row) for row in range(len(images))],
        where=lambda row: f"{config.data} index {row}",
        ids_depend_on_order=True,
        true_labels=[str(label) for label in true_labels.tolist()] if "noise" in options else None,
        notes=notes,
    )


def _pred_probs(images: NDArray[np.uint8], true_labels: TrueLabels) -> PredProbs:
    """Return (N, 10) out-of-fold probabilities of a plain model, for noises that need them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    pixels = images.reshape(len(images), -1) / 255
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = LogisticRegression(tol=1e-3, max_iter=1000)  # near the optimum in a third of the time
    with threadpool_limits(1):  # threads cost far more than products this small take
        pred_probs: PredProbs = cross_val_predict(model, pixels, true_labels, cv=folds, method="predict_proba")
    return pred_probs


def _options(query: str) -> dict[str, str]:
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
    except ValueError as error:
        hint = "write demo:digits?noise=symmetric:0.1&seed=3"
        raise ConfigError("wrong-usage", f"cannot read {query!r}", where="dataset.data", hint=hint) from error
    for name in options:
        if name not in OPTIONS:
            hint = f"use {nearest(name, OPTIONS)}"
            raise ConfigError("unknown-option", f"a demo has no option {name!r}", where="dataset.data", hint=hint)
    return options
