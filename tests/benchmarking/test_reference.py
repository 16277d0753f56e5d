"""The model that errors are planted by: never one of those that judge, and of another kind where there is one."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from tiny_texts import draw_columns, draw_texts

import labelscan
from labelscan.arrays import as_strings
from labelscan.benchmarking.plan import REFERENCE
from labelscan.benchmarking.reference import Reference, planter_for
from labelscan.detection.evidence import Evidence
from labelscan.detection.pooling import pool
from labelscan.noise.plant import plant


@dataclass
class MemberOf:
    """The part of a planned opinion that says which model it is."""

    name: str
    frozen: object = None


@pytest.mark.parametrize(
    ("models", "planter"),
    [
        (["small-cnn", "extra-trees"], "ridge"),
        (["mlp", "boosting"], "ridge"),
        (["mlp:hidden=64", "logistic:C=1"], "extra-trees"),
        (["ridge"], "extra-trees"),
        (["small-cnn", "ridge", "extra-trees"], "logistic"),
        (["linear", "boosting"], "mlp"),
        (["tfidf"], "bayes"),
        (["bayes"], "tfidf"),
        (["tfidf", "bayes"], "bayes:alpha=1.0"),
    ],
)
def test_the_planter_is_of_a_kind_that_no_model_of_the_run_has(models, planter):
    assert planter_for([MemberOf(name) for name in models]) == planter


@pytest.mark.parametrize(
    ("models", "planter"),
    [
        (["resnet18"], "resnet18:head=extra-trees"),
        (["resnet18", "resnet18:head=extra-trees"], "resnet18:head=mlp"),
        (["resnet18:head=mlp"], "resnet18:head=ridge"),
        (["small-cnn", "resnet18"], "resnet18:head=extra-trees"),  # a network from scratch beside it leaves trees
    ],
)
def test_on_frozen_features_the_planter_is_another_head(models, planter):
    members = [MemberOf(name, frozen="a backbone" if name.startswith("resnet") else None) for name in models]
    assert planter_for(members) == planter


@pytest.mark.parametrize(
    ("encoder", "data", "planter"),
    [
        (CountVectorizer(), draw_texts(60), "MultinomialNB"),
        (make_column_transformer(("passthrough", ["price"])), draw_columns(60), "RidgeClassifier"),
    ],
)
def test_a_given_model_of_texts_or_columns_is_planted_for_by_one_that_takes_them(tmp_path, encoder, data, planter):
    model = make_pipeline(encoder, DecisionTreeClassifier(max_depth=3, random_state=0))
    output, noises = tmp_path / "benchmark", ["instance:0.1"]
    done = labelscan.benchmark(data[0], data[1], model=model, noises=noises, n_seeds=1, output=output)
    evidence = Evidence.read(output / REFERENCE.folder / "evidence.npz")
    assert [one.name for one in evidence.members] == ["Pipeline", planter]
    assert (done.measurements["n_errors"] == 6).all()


def evidence_of(probs, labels, index):
    ids, folds = as_strings([str(row) for row in index]), as_strings(["0"] * len(index))
    return Evidence(
        pred_probs=probs,
        given_labels=labels,
        class_names=("a", "b", "c"),
        example_ids=ids,
        index=index,
        fold_names=folds,
    )


def test_what_is_known_is_calibrated_and_examples_without_probabilities_keep_their_labels():
    generator = np.random.default_rng(0)
    true_labels, index = generator.integers(0, 3, 600), np.arange(599, -1, -2)
    truth = generator.dirichlet([0.3] * 3, size=300)
    labels = (np.cumsum(truth, axis=1) > generator.random((300, 1))).argmax(axis=1)
    true_labels[index] = labels
    flat = np.sqrt(truth)  # calibrated when squared
    flat = (flat / flat.sum(axis=1, keepdims=True)).astype(np.float32)
    planter = generator.dirichlet([1] * 3, size=300).astype(np.float32)
    known = Reference.of(pool(["judge", "planter"], [evidence_of(each, labels, index) for each in (flat, planter)]))
    assert np.abs(known.belief - truth).mean() < 0.04 < np.abs(flat - truth).mean()
    given_labels, f1_ceiling = known.plant(true_labels, 3, "instance:0.2", 7)
    expected = plant(labels, 3, "instance:0.2", 7, pred_probs=planter)
    np.testing.assert_array_equal(given_labels[index], expected)
    np.testing.assert_array_equal(given_labels[::2], true_labels[::2])
    assert 0 < f1_ceiling < 1
    assert known.plant(true_labels, 3, "look-alike:0.2", 7)[1] is None
