import re

import pytest

from labelscan.config import Config, flatten


@pytest.mark.parametrize(
    "name", ["", "detect", "score", "report", "apply", "gate", "benchmark", "diff", "cache", "list"]
)
def test_the_help_page_is_as_reviewed(command, golden, name):
    shown = command(*([name] if name else []), "--help")
    assert (shown.code, shown.err) == (0, "")
    assert max(map(len, shown.out.splitlines())) <= 80
    golden(f"help{'-' if name else ''}{name}.txt", shown.out)


def test_labelscan_alone_says_what_to_do_first(command, golden):
    shown = command()
    assert shown.code == 0
    golden("first-steps.txt", shown.out)


def test_the_version_is_that_of_the_library(command):
    import labelscan

    assert command("--version").out == f"labelscan {labelscan.__version__}\n"


def test_help_tells_the_defaults_that_hold(command):
    page = " ".join(command("detect", "--help").out.split()).replace("- ", "-")
    defaults = flatten(Config())
    for option, key in (
        ("--loss", "training.loss"),
        ("--folds", "folds.n_folds"),
        ("--detector", "detection.detector"),
    ):
        found = re.search(rf"{option} [A-Z]+ .*?\[default: (.*?)\]", page)
        assert found is not None
        assert found[1] == str(defaults[key])
