import io
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tiny_run import evidence_of

from labelscan.detection.aum_trainings import draw_threshold_examples
from labelscan.detection.detectors import ALWAYS, DETECTORS, detect_all, needs_threshold_runs
from labelscan.detection.evidence import Evidence
from labelscan.errors import ConfigError


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Return evidence of any kind: smooth, one-hot, with exact zeros, uniform; some classes given to nobody."""
    n_examples = draw(st.integers(1, 40))
    n_classes = draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["smooth", "sharp", "one-hot", "zeros", "uniform"]))
    probs = generator.dirichlet(np.full(n_classes, 0.2 if kind == "sharp" else 1.0), size=n_examples)
    if kind == "one-hot":
        probs = np.eye(n_classes)[probs.argmax(axis=1)]
    elif kind == "zeros":
        probs[np.arange(n_examples), probs.argmin(axis=1)] = 0
        probs /= probs.sum(axis=1, keepdims=True)
    elif kind == "uniform":
        probs = np.full((n_examples, n_classes), 1 / n_classes)
    n_given = draw(st.integers(1, n_classes))
    likely = probs[:, :n_given].argmax(axis=1)
    given_labels = np.where(generator.random(n_examples) < 0.3, generator.integers(0, n_given, n_examples), likely)
    margins = draw(threshold_runs(n_examples, n_classes)) if n_examples > 1 else {}
    return evidence_of(probs.astype(np.float32), given_labels, **margins)


@st.composite
def threshold_runs(draw: st.DrawFn, n_examples: int, n_classes: int) -> dict[str, np.ndarray]:
    """Return margins of any kind: spread, tiny, huge, all the same; each run relabels at least one example."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.0, 1e-6, 1.0, 1e4]))
    size = max(1, n_examples // (n_classes + 1))
    place = generator.permutation(n_examples)
    return {
        "aum_train_margin": (3 + scale * generator.normal(size=(n_examples, 2))).astype(np.float32),
        "aum_is_threshold": np.column_stack([place < size, (place >= size) & (place < 2 * size)]),
    }


@pytest.mark.parametrize("name", sorted(DETECTORS))
@settings(max_examples=40, deadline=None)
@given(evidence=evidences(), seed=st.integers(0, 2**32 - 1))
def test_every_detector_judges_every_label_whatever_its_row(name: str, evidence: Evidence, seed: int) -> None:
    assume(evidence.aum_train_margin is not None or not needs_threshold_runs(name))
    before = evidence.pred_probs.copy()
    detection, again = (DETECTORS.build(name).detect(evidence) for _ in range(2))
    assert detection.label_quality.shape == detection.flagged.shape == (len(evidence),)
    assert detection.label_quality.dtype == np.float64
    assert detection.flagged.dtype == np.bool_
    assert ((detection.label_quality >= 0) & (detection.label_quality <= 1)).all()
    if detection.error_probability is not None:
        assert ((detection.error_probability >= 0) & (detection.error_probability <= 1)).all()
    if detection.noise_matrix is not None:
        np.testing.assert_allclose(detection.noise_matrix.sum(axis=0), 1)
    np.testing.assert_array_equal(again.label_quality, detection.label_quality)
    np.testing.assert_array_equal(again.flagged, detection.flagged)
    order = np.random.default_rng(seed).permutation(len(evidence))
    shuffled = DETECTORS.build(name).detect(evidence[order]).label_quality
    np.testing.assert_allclose(shuffled, detection.label_quality[order], atol=1e-7)
    np.testing.assert_array_equal(evidence.pred_probs, before)


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_planted_errors_come_out_on_top_and_nothing_is_printed(name: str) -> None:
    evidence, label_errors = planted()
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        detection = DETECTORS.build(name).detect(evidence)
    assert out.getvalue() == err.getvalue() == ""
    worst = np.argsort(detection.label_quality)[: label_errors.sum()]
    assert label_errors[worst].mean() > 0.9
    assert (detection.flagged == label_errors).mean() > 0.97


def planted() -> tuple[Evidence, np.ndarray]:
    generator = np.random.default_rng(0)
    true_labels = generator.integers(0, 4, 400)
    scores = generator.normal(size=(400, 4)) + 5 * np.eye(4)[true_labels]
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    label_errors = generator.random(400) < 0.1
    given_labels = np.where(label_errors, (true_labels + 1) % 4, true_labels)
    margins = planted_threshold_runs(scores, given_labels)
    return evidence_of(probs.astype(np.float32), given_labels, **margins), label_errors


def planted_threshold_runs(scores: np.ndarray, given_labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return margins by which a relabelled example is as far from its label as a planted error is."""
    is_threshold = draw_threshold_examples(400, 4, seed=0)
    with_extra_class = np.column_stack([scores, np.zeros(400)])
    train_margin = np.empty((400, 2), dtype=np.float32)
    for run in range(2):
        label = np.where(is_threshold[:, run], 4, given_labels)[:, None]
        others = with_extra_class.copy()
        np.put_along_axis(others, label, -np.inf, axis=1)
        train_margin[:, run] = np.take_along_axis(with_extra_class, label, axis=1)[:, 0] - others.max(axis=1)
    return {"aum_train_margin": train_margin, "aum_is_threshold": is_threshold}


def test_every_run_computes_both_detectors_and_the_leading_one_has_its_options() -> None:
    evidence = planted()[0]
    detections = detect_all(evidence, "confident-learning:filter_by=both")
    assert tuple(detections.by_name) == ALWAYS
    assert detections.leading == "confident-learning:filter_by=both"
    expected = DETECTORS.build("confident-learning:both").detect(evidence)
    np.testing.assert_array_equal(detections.lead.flagged, expected.flagged)
    posterior = DETECTORS.build("noise-posterior").detect(evidence)
    np.testing.assert_array_equal(detections.error_probability, posterior.error_probability)
    detections = detect_all(evidence, "noise-posterior:kappa=3")
    assert detections.lead is detections.by_name["noise-posterior"]
    np.testing.assert_array_equal(detections.error_probability, detections.lead.error_probability)


@pytest.mark.parametrize(
    "text",
    [
        "confident-lerning",
        "confident-learning:filter_by=all",
        "confident-learning:frac_noise=0",
        "confident-learning:filter_by=low_self_confidence,frac_noise=0.5",
        "confident-learning:min_examples_per_class=-1",
        "noise-posterior:kappa=0",
        "noise-posterior:label_doubt=1.5",
        "noise-posterior:max_steps=0",
        "aum:percentile=0",
        "aum:101",
    ],
)
def test_a_detector_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        DETECTORS.build(text)
