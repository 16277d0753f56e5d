"""The reference run: models trained on right labels, by which errors are planted on hard examples.

The errors follow a model of another kind than those that are compared: errors that followed the very model that judges
would look right to it. The compared models are trained on the right labels too, since what all of them know together
bounds what a detector can be expected to find.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import GivenLabels, Index, PredProbs, TrueLabels
from labelscan.config import Config
from labelscan.data.inputs import ColumnTable, Inputs, Texts
from labelscan.detection.channel import calibrate
from labelscan.detection.evidence import Evidence
from labelscan.detection.examples_by_class import Examples
from labelscan.detection.pooling import geometric_mean
from labelscan.noise.plant import f1_ceiling, plant
from labelscan.pipeline.planned_members import PlannedMember
from labelscan.registry import PartSpec
from labelscan.training.encoders import MakeEncoder, Matrix
from labelscan.training.models import LINEAR, MODELS
from labelscan.training.models.classifiers import Bayes, Classifier, Ridge
from labelscan.training.user_model import UserModel, given_models

REASON = "it says which classes and examples are hard, and is none of the models compared"
PLANTERS = ("ridge", "extra-trees", "logistic", "boosting", "mlp")
"""Models to plant errors by, cheap ones first."""
TEXT_PLANTERS = ("bayes", "tfidf", "bayes:alpha=1.0")
"""The same for texts without embeddings; the last where the others are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What models know of the true labels of N examples."""

    index: Index
    """(N,) rows of the data set."""
    pred_probs: PredProbs
    """(N, K) of the model by which errors are planted."""
    belief: PredProbs
    """(N, K) of all models together, calibrated."""

    @classmethod
    def of(cls, evidence: Evidence) -> "Reference":
        """Return what the evidence of a reference run says, whose last model is the one to plant by."""
        pooled = evidence.pred_probs
        sharpness = calibrate(Examples(evidence.given_labels, pooled).enough_for_an_exponent())
        belief = geometric_mean([pooled], np.array([sharpness]), np.float64)
        return cls(evidence.index, evidence.members[-1].pred_probs, belief)

    def plant(self, true_labels: TrueLabels, n_classes: int, noise: str, seed: int) -> tuple[GivenLabels, float | None]:
        """Return the labels of a data set with planted errors, and the highest F1 that can be expected.

        Examples that no model has scored keep their labels; F1 is None where nothing is known of it.
        """
        true, given_labels = true_labels[self.index], true_labels.copy()
        given = plant(true, n_classes, noise, seed, pred_probs=self.pred_probs)
        given_labels[self.index] = given
        return given_labels, f1_ceiling(noise, true, given, pred_probs=self.pred_probs, belief=self.belief)


def planter_for(members: Sequence[PlannedMember]) -> str:
    """Return the name of a model to plant by: of no family that ``members`` have, or at least none of them.

    It stands on the frozen features of one of them where there are some.
    """
    specs = [(PartSpec.parse(one.name), one.frozen is not None) for one in members]
    names = {spec.options.get("head", LINEAR) if is_frozen else spec.name for spec, is_frozen in specs}
    families = {_family(name) for name in names}
    are_of_texts = all(name in MODELS and MODELS.build(name).takes == "texts" for name in names)
    planters = TEXT_PLANTERS if are_of_texts else PLANTERS
    planter = min(planters, key=lambda name: (_family(name) in families, name in names))
    backbone = next((spec.name for spec, is_frozen in specs if is_frozen), "")
    return f"{backbone}:head={planter}" if backbone else planter


def with_planter(
    config: Config, given: UserModel | Sequence[UserModel] | None, members: Sequence[PlannedMember], inputs: Inputs
) -> tuple[Config, Sequence[UserModel] | None]:
    """Return settings and a caller's models with the one to plant by after all others, whose inputs stay as they are.

    Args:
        config: the settings of the runs that are compared.
        given: their models, in place of those that the settings name; a linear model or word counts plant for them.
        members: what became of either.
        inputs: what they see.
    """
    by_caller = [one.model for one in given_models(given)]
    if not by_caller:
        names = (*(one.name for one in members), planter_for(members))
        return replace(config, model=replace(config.model, name=names)), None
    model = Bayes() if isinstance(inputs, Texts) else Ridge()
    planter = model.make_classifier(0, 1)
    is_encoded = isinstance(inputs, Texts | ColumnTable)
    return config, [*by_caller, _Encoded(model.make_encoder, planter) if is_encoded else planter]


class _Encoded:
    """A classifier with an encoder of texts or columns before it."""

    classes_: NDArray[np.generic]

    def __init__(self, encode: MakeEncoder, classifier: Classifier) -> None:
        self._encode, self._classifier = encode, classifier
        self.__qualname__ = type(classifier).__name__  # its name in messages

    def fit(self, x: Matrix, y: NDArray[np.int64]) -> "_Encoded":
        self._encoder = self._encode()
        self._classifier.fit(self._encoder.fit_transform(x), y)
        self.classes_ = self._classifier.classes_
        return self

    def predict_proba(self, x: Matrix) -> NDArray[np.float64]:
        return self._classifier.predict_proba(self._encoder.transform(x))


def _family(name: str) -> str:
    """Return the family that a model or head declares; those that declare none are networks."""
    is_ours = PartSpec.parse(name).name in MODELS  # and not a network of a library
    return str(getattr(MODELS.build(name), "family", "network")) if is_ours else "network"
