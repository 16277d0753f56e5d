import pytest

from labelscan import errors
from labelscan.errors import MAX_PROBLEMS, DatasetError, LabelscanError, Problem


def test_an_error_reads_as_its_problem():
    error = LabelscanError("of-a-test", "too small", where="folds.n_folds", hint="use 2")
    assert str(error) == "folds.n_folds: too small; hint: use 2"
    assert error.problems == (Problem("of-a-test", "too small", "folds.n_folds", "use 2"),)


def test_exit_codes_are_those_of_the_contract_and_none_is_that_of_a_failed_gate():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LabelscanError)]
    for kind in kinds:
        code = 130 if issubclass(kind, errors.Interrupted) else 2 if issubclass(kind, errors.UsageError) else 3
        assert kind.exit_code == code


def test_problems_beyond_the_most_are_counted():
    problems = [Problem("of-a-test", f"problem {number}") for number in range(MAX_PROBLEMS)]
    error = DatasetError.of(problems, total=1_000 + MAX_PROBLEMS)
    assert len(error.problems) == MAX_PROBLEMS + 1
    assert error.problems[-1].problem == "and 1,000 more problems like these"
    assert str(error).count("\n") == MAX_PROBLEMS


CONFIGS = ("ci", "default", "paper-cifar10", "paper-cifar100", "paper-mnist", "photos", "quick")
COLUMNS = ("image_path", "Species Name", "true_label", "review_text", "patient")
CLASSES = ("airplane", "automobile", "bird", "cat", "horse")


@pytest.mark.parametrize(
    ("slip", "known", "meant"),
    [
        ("foto", CONFIGS, "photos"),
        ("cifar100", CONFIGS, "paper-cifar100"),
        ("paper_mnist", CONFIGS, "paper-mnist"),
        ("species", COLUMNS, "Species Name"),
        ("SPECIES_NAME", COLUMNS, "Species Name"),
        ("imgpath", COLUMNS, "image_path"),
        ("trueLabel", COLUMNS, "true_label"),
        ("Bird ", CLASSES, "bird"),
        ("kat", CLASSES, "cat"),
    ],
)
def test_a_slip_names_what_was_meant(slip, known, meant):
    assert errors.nearest_name(slip, known) == meant


@pytest.mark.parametrize(
    ("name", "known"), [("zzz", CONFIGS), ("x", COLUMNS), ("salary", COLUMNS), ("lorry", CLASSES), ("", CLASSES)]
)
def test_what_resembles_nothing_names_nothing(name, known):
    assert errors.nearest_name(name, known) == ""
    assert errors.nearest_name(name, known, least=0.0) in known
    assert errors.did_you_mean(name, known, otherwise="see the list") == "see the list"
