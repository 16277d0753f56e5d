import re

import pytest

import labelscan
from labelscan.config import Config, flatten


@pytest.mark.parametrize(
    "name", ["", "detect", "score", "report", "apply", "gate", "benchmark", "diff", "cache", "list"]
)
def test_the_help_page_is_as_reviewed(command, golden, name):
    shown = command(*([name] if name else []), "--help")
    assert (shown.code, shown.err) == (0, "")
    assert max(map(len, shown.out.splitlines())) <= 80
    golden(f"help{'-' if name else ''}{name}.txt", shown.out)


def test_labelscan_alone_says_what_to_do_first_and_its_version_is_that_of_the_library(command, golden):
    shown = command()
    assert shown.code == 0
    golden("first-steps.txt", shown.out)
    assert command("--version").out == f"labelscan {labelscan.__version__}\n"


@pytest.mark.parametrize(
    ("option", "key"),
    [("--loss", "training.loss"), ("--folds", "folds.n_folds"), ("--detector", "detection.detector")],
)
def test_help_tells_the_defaults_that_hold(command, option, key):
    page = " ".join(command("detect", "--help").out.split()).replace("- ", "-")
    found = re.search(rf"{option} [A-Z]+ .*?\[default: (.*?)\]", page)
    assert found is not None
    assert found[1] == str(flatten(Config())[key])
