"""The table of ``gpu.py`` is measured where there is a GPU; that it can be is tested anywhere."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_all_that_is_measured_on_a_gpu_can_be_measured(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("gpu.py")), "--tiny"]
    printed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("|")]
    runs = ["by default", "1 at a time", "2 at a time", "4 at a time", "by default, 40 epochs"]
    assert [row for row in rows if row in runs] == runs
    assert sum(row.endswith(("resident", "pinned", "plain")) for row in rows) == 6
    assert rows[-1] == "network alone"
