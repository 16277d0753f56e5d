"""Why two runs with the same settings on the same data differ: what run.json knows of it is said, even if nothing."""

import dataclasses

import pytest

from comparison.test_compare import FIRST, a_run
from labelscan.comparison.compare import compare
from labelscan.runs.record import Choices, CountedDecisions

OTHER = {**FIRST, "a": ("cat", 0.1000001, True)}
MACHINE = {"system": "Linux x86_64", "cpu": "AVX512", "blas": "openblas 0.3.29", "device": "cpu", "threads": 2}
VERSIONS = {"torch": "2.6", "numpy": "2.1"}
OPINION = {"model": "small-cnn", "model_reason": "chosen", "recipe": {"batch_size": 64}}
CHOICES = Choices(opinions=(OPINION,))


def made(examples=FIRST, *, machines=(MACHINE,), versions=VERSIONS, choices=CHOICES, decisions=None, **options):
    run = a_run(examples, **options)
    counted = None if decisions is None else CountedDecisions(file="", number=50, fingerprint=decisions)
    about = {"machines": tuple(machines), "versions": versions, "choices": choices, "decisions": counted}
    return dataclasses.replace(run, record=dataclasses.replace(run.record, **about))


@pytest.mark.parametrize(
    ("second", "explanation"),
    [
        (made(), "same settings, data and seed, and the same results"),
        (
            made(OTHER, machines=[{**MACHINE, "threads": 4}], versions={**VERSIONS, "torch": "2.13"}),
            "same settings, data and seed: they differ by the machine and packages: "
            "threads 2 and 4; torch 2.6 and 2.13",
        ),
        (
            made(machines=[{**MACHINE, "cpu": "AVX2"}]),
            "same settings, data and seed, and the same results, "
            "though the runs differ by the machine: cpu AVX512 and AVX2",
        ),
        (
            made(OTHER, versions={**VERSIONS, "torch": "2.13"}),
            "same settings, data and seed: they differ by the packages: torch 2.6 and 2.13",
        ),
        (made(machines=(), versions={"torch": "2.6"}), "same settings, data and seed, and the same results"),
        (
            made(OTHER, machines=(), versions={**VERSIONS, "torch": "2.13"}),
            "same settings, data and seed: they differ by the packages: torch 2.6 and 2.13",
        ),
        (
            made(OTHER, machines=[MACHINE, {**MACHINE, "cpu": "AVX2"}]),
            "same settings, data and seed: they differ by the machine: cpu AVX512 and AVX512, then AVX2",
        ),
        (
            made(OTHER),
            "same settings, data and seed on the same machine, and yet other results: "
            "nothing that is recorded explains it",
        ),
        (
            made(OTHER, machines=()),
            "same settings, data and seed, and other results: run.json does not say on which machine both were made",
        ),
        (
            made(OTHER, choices=Choices(opinions=({**OPINION, "recipe": {"batch_size": 32}},))),
            "same settings, data and seed: they differ by recipe.batch_size 64 and 32",
        ),
        (
            made(OTHER, decisions="0123456789abcdef"),
            "same settings, data and seed: they differ by decisions None and 50 (01234567)",
        ),
        (made(OTHER, settings={"seed": 1}), ""),
        (made(OTHER, fingerprint="01"), ""),
    ],
)
def test_what_explains_a_difference_is_said(second, explanation):
    comparison = compare(made(), second)
    assert comparison.explanation == explanation
    assert comparison.to_json(0)["explanation"] == explanation
    assert comparison.same_results == ("same results" in explanation)


def test_words_why_a_model_was_chosen_are_no_difference():
    first = Choices(opinions=({**OPINION, "model_reason": "set by the user"},))
    assert compare(made(), made(choices=first)).choices == ()
