"""The digits that come with scikit-learn, with and without planted errors."""

import numpy as np
import pytest
from refusals import refuses

from data.reading import load
from labelscan.config import DatasetConfig
from labelscan.data.readers import read
from labelscan.errors import ConfigError
from labelscan.events import StepDone, StepStarted


def test_digits_are_8_bit_images_without_true_labels():
    events = []
    dataset = read(DatasetConfig(data="demo:digits"), events.append)
    assert dataset.inputs.images.shape == (1797, 8, 8, 1)
    assert dataset.inputs.images.dtype == np.uint8
    assert (dataset.inputs.images.min(), dataset.inputs.images.max()) == (0, 255)
    assert dataset.class_names == tuple("0123456789")
    assert dataset.example_ids[:2].tolist() == ["0", "1"]
    assert dataset.true_labels is None
    assert dataset.name == "demo-digits"
    assert events[0] == StepStarted("read")
    assert isinstance(events[-1], StepDone)


@pytest.mark.parametrize(
    "noise",
    ["look-alike:0.1", "instance:0.1", "instance:rate=0.1,hardness=0.5", f"per-class:rates={'/'.join(['0.1'] * 10)}"],
)
def test_every_kind_of_noise_can_be_planted_into_digits(noise):
    one, same, other = (load(f"demo:digits?noise={noise}{seed}") for seed in ("", "&seed=0", "&seed=1"))
    np.testing.assert_array_equal(one.true_labels, load("demo:digits").given_labels)
    assert (one.given_labels != one.true_labels).sum() == 180
    np.testing.assert_array_equal(one.given_labels, same.given_labels)
    assert (one.given_labels != other.given_labels).any()


def test_look_alike_errors_are_harder_to_find_than_symmetric_ones_and_instance_errors_harder_still():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import cross_val_predict
    from threadpoolctl import threadpool_limits

    def found(noise):
        dataset = load(f"demo:digits?noise={noise}")
        pixels = dataset.inputs.images.reshape(len(dataset.given_labels), -1) / 255
        model = LogisticRegression(tol=1e-2, max_iter=1000)
        with threadpool_limits(1):
            pred_probs = cross_val_predict(model, pixels, dataset.given_labels, method="predict_proba")
        self_confidence = pred_probs[np.arange(len(pixels)), dataset.given_labels]
        return average_precision_score(dataset.given_labels != dataset.true_labels, -self_confidence)

    assert found("instance:0.1") + 0.03 < found("look-alike:0.1") < found("symmetric:0.1")


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        ("demo:letters", "unknown-demo", "dataset.data"),
        ("demo:digits?nose=symmetric:0.1", "unknown-option", "dataset.data"),
        ("demo:digits?noise=symmetric:0.1&seed=x", "wrong-type", "dataset.data"),
        ("demo:digits?noise=symetric:0.1", "unknown-name", ""),
        ("demo:digits?noise=look-alike:2", "out-of-range", "option rate"),
        ("demo:digits?noise=per-class:0.1/0.2", "classes-mismatch", "option rates"),
        ("demo:digits?noise=matrix:nowhere.csv", "unreadable", "nowhere.csv"),
        ("demo:digits?noise", "wrong-usage", "dataset.data"),
        ("", "no-data", "dataset.data"),
    ],
)
def test_what_cannot_be_read_is_refused(data, code, where):
    with refuses(ConfigError, code, where):
        load(data)
    with refuses(ConfigError, "setting-without-effect", "dataset.split"):
        load("demo:digits", split="train")
