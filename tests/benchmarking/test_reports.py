"""The written forms of a benchmark: CSV, JSON, Markdown, and a plot that says the same without colour."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from measured import DETECTORS, LOSSES, NOISES, a_measurement, a_scoreboard
from PIL import Image

from labelscan.benchmarking import plot as plot_report
from labelscan.benchmarking.plot import LOOKS, write_scoreboard_plot
from labelscan.benchmarking.scoreboard import METRICS


def test_the_tables_are_as_reviewed(tmp_path, golden):
    a_scoreboard().write(tmp_path)
    for name in ("benchmark.csv", "measurements.csv", "benchmark.md", "benchmark.json"):
        golden(name, (tmp_path / name).read_text(encoding="utf-8"))


def test_a_script_reads_the_tables_back(tmp_path):
    scoreboard = a_scoreboard()
    scoreboard.write(tmp_path)
    read = pd.read_csv(tmp_path / "benchmark.csv")
    pd.testing.assert_frame_equal(read, scoreboard.table, check_dtype=False, rtol=1e-5)
    content = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    assert content == json.loads(json.dumps(scoreboard.to_json(), allow_nan=False))
    assert content["format_version"] == 2
    assert all(set(row["means"]) == set(METRICS) for row in content["table"])


def test_names_do_not_break_the_markdown_table(tmp_path):
    a_scoreboard(measurements=(a_measurement(),)).write(tmp_path)
    lines = (tmp_path / "benchmark.md").read_text(encoding="utf-8").splitlines()
    header, rule, row = [line for line in lines if line.startswith("|")]
    assert row.startswith(r"| first\|detector | ce |")
    assert len({line.replace(r"\|", "").count("|") for line in (header, rule, row)}) == 1
    assert r"\<diverged\>" in "\n".join(lines)


def test_the_plot_is_grey_and_the_same_twice(tmp_path):
    write_scoreboard_plot(a_scoreboard(), tmp_path)
    first = (tmp_path / "benchmark.png").read_bytes()
    write_scoreboard_plot(a_scoreboard(), tmp_path)
    assert (tmp_path / "benchmark.png").read_bytes() == first
    with Image.open(tmp_path / "benchmark.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert (pixels.max(axis=2) == pixels.min(axis=2)).all()
    assert pixels.min() == 0


def test_every_point_of_the_table_is_in_the_plot():
    scoreboard = a_scoreboard()
    panels = plot_report._draw(scoreboard).axes
    assert [panel.get_title() for panel in panels] == list(NOISES)
    for panel, noise in zip(panels, NOISES, strict=True):
        drawn = {}
        for container, detector in zip(panel.containers, DETECTORS, strict=True):
            points, _, _ = container.lines
            for x, y in zip(points.get_xdata(), points.get_ydata(), strict=True):
                drawn[detector, LOSSES[round(float(y))]] = float(x)
        rows = scoreboard.table[scoreboard.table["noise"] == noise]
        expected = zip(rows["detector"], rows["loss"], rows["f1"], strict=True)
        assert drawn == {(detector, loss): pytest.approx(f1) for detector, loss, f1 in expected}
        low, high = panel.get_xlim()
        assert all(low < value < high for value in drawn.values())


def test_detectors_are_distinguished_by_marker_and_fill():
    assert len(set(LOOKS)) == len(LOOKS)
    for (marker, fill), (next_marker, next_fill) in pairwise(LOOKS):
        assert marker != next_marker
        assert fill != next_fill


@pytest.mark.parametrize("n_noises", [1, 4, 7])
def test_any_number_of_noises_and_odd_names_can_be_drawn(tmp_path, n_noises):
    noises = tuple(f"per-class:{'0.1/' * 30}{number}$_x$" for number in range(n_noises))
    measurements = tuple(a_measurement(noise=noise) for noise in noises)
    write_scoreboard_plot(a_scoreboard(noises=noises, measurements=measurements), tmp_path)
    with Image.open(tmp_path / "benchmark.png") as image:
        assert image.width < 3000
