"""Promised times, measured on a machine that should do nothing else: ``pytest -m slow tests/bench``."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from labelscan.reporting.typical_examples import choose_typical

pytestmark = pytest.mark.slow


def seconds(action: Callable[[], object], *, times: int = 3) -> float:
    """Return the least wall time of several, as other programs only ever add to it."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return min(taken)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["detect", "--help"], ["benchmark", "--help"]])
def test_help_is_there_in_three_tenths_of_a_second(arguments):
    command = [sys.executable, "-m", "labelscan", *arguments]
    as_installed = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    assert seconds(lambda: subprocess.run(command, env=as_installed, check=True, capture_output=True), times=9) < 0.3


def test_typical_examples_are_chosen_from_a_million_labels_in_two_seconds():
    generator = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "given_label": pd.Series(np.array(["a", "b", "c"], dtype=object)[np.arange(1_000_000) % 3]),
            "self_confidence": generator.random(1_000_000),
            "error_probability": generator.random(1_000_000) / 2,
            "flagged": generator.random(1_000_000) < 0.1,
        }
    )
    assert seconds(lambda: choose_typical(table, ["a", "c"])) < 2
