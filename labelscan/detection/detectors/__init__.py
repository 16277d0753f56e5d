"""Detectors: from out-of-fold probabilities to label quality and flags.

Every run uses all that need no training of their own; the leading one decides on flags and ranking. Their modules load
when they are first asked, since cleanlab takes over a second.
"""

from labelscan.config import LEADING_DETECTOR
from labelscan.detection.evidence import Evidence
from labelscan.detection.protocol import POSTERIOR, Detections, Detector
from labelscan.registry import PartSpec, Registry

DETECTORS: Registry[Detector] = Registry(
    "detector",
    {
        "confident-learning": "labelscan.detection.detectors.confident_learning:ConfidentLearning",
        "noise-posterior": "labelscan.detection.detectors.noise_posterior:NoisePosterior",
        "aum": "labelscan.detection.detectors.aum:Aum",
    },
)

ALWAYS = ("confident-learning", POSTERIOR)
"""The detectors that every run uses."""


def needs_threshold_runs(leading: str) -> bool:
    """Return whether a detector, by its attribute of this name, needs trainings other than the folds."""
    return bool(getattr(DETECTORS.build(leading), "needs_threshold_runs", False))


def detect_all(evidence: Evidence, leading: str = LEADING_DETECTOR) -> Detections:
    """Return the judgements of the detectors in ``ALWAYS``, with their default options, and of the leading one."""
    spec = PartSpec.parse(leading, where="detector")
    detectors = {name: DETECTORS.build(name) for name in ALWAYS}
    detectors[spec.name] = DETECTORS.build_spec(spec)
    by_name = {name: detector.detect(evidence) for name, detector in detectors.items()}
    posterior = by_name[POSTERIOR]
    assert posterior.error_probability is not None
    assert posterior.error_log_odds is not None
    assert posterior.wrong_labels is not None
    assert posterior.noise_matrix is not None
    return Detections(
        leading=str(spec),
        by_name=by_name,
        error_probability=posterior.error_probability,
        error_log_odds=posterior.error_log_odds,
        wrong_labels=posterior.wrong_labels,
        noise_matrix=posterior.noise_matrix,
    )
