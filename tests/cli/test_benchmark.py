"""``labelscan benchmark``, run on twelve small images: its tables at any width, its streams and exit codes."""

import itertools
import json
from pathlib import Path

import pytest
import torch
from measured import NOISES, a_measurement, a_scoreboard

from labelscan.benchmarking.run_benchmark import Benchmark
from labelscan.cli import benchmark_screen
from labelscan.cli.benchmark import _read_budget
from labelscan.cli.console import cells
from labelscan.training.losses import LOSSES
from labelscan.training.losses.given_label import CrossEntropy

QUICK = ("--epochs", "2", "--folds", "2", "--noise", "symmetric:0.2", "--loss", "ce", "-o", "b")
MORE = ("--loss", "gce", "--seeds", "2")
FILES = {"benchmark.csv", "benchmark.json", "benchmark.md", "benchmark.png", "measurements.csv"}


@pytest.fixture
def screen(monkeypatch, capsys):
    """Return the lines that a scoreboard takes at a width."""

    def lines(width, **changes):
        monkeypatch.setenv("COLUMNS", str(width))
        result = Benchmark(folder=Path("b"), scoreboard=a_scoreboard(failures={}, missing=(), **changes))
        benchmark_screen.show(result, as_json=False, quiet=False)
        return capsys.readouterr().out.splitlines()

    return lines


def test_it_prints_a_table_and_writes_all_its_files_and_the_same_command_shows_them_again(command, photos, tmp_path):
    ended = command("benchmark", "photos", *QUICK, *MORE)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "symmetric:0.2: 2 of 12 labels wrong, 2 seeds"
    names = ["confident-learning", "ce", "gce", "noise-posterior", "ce", "gce"]
    assert [line.split()[0] for line in lines[1:7]] == names
    assert {path.name for path in (tmp_path / "b").iterdir()} >= FILES
    assert "\x1b" not in ended.out + ended.err
    assert ended.err.count("symmetric:0.2, ") == 2 * 4
    assert "fold" not in ended.err
    again = command("benchmark", "photos", *QUICK, *MORE)
    assert again.out == ended.out
    assert "cells: all 4 already finished" in again.err
    content = json.loads(command("benchmark", "photos", *QUICK, *MORE, "--json").out)
    assert content.pop("folder") == "b"
    assert content == json.loads((tmp_path / "b" / "benchmark.json").read_text(encoding="utf-8"))
    quiet = command("benchmark", "photos", *QUICK, *MORE, "-q")
    assert (quiet.out, quiet.err) == ("b/benchmark.csv\n", "")


def test_a_dry_run_reports_what_is_left_and_writes_nothing(command, photos, tmp_path):
    ended = command("benchmark", "photos", *QUICK, *MORE, "--dry-run")
    assert ended.code == 0
    for text in ("small-cnn", "symmetric:0.2", "ce:delay=0; gce:q=0.7", "cells      4", "about", "nothing was trained"):
        assert text in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    command("benchmark", "photos", *QUICK, "--seeds", "2")
    assert "4, 2 of them finished" in command("benchmark", "photos", *QUICK, *MORE, "--dry-run").out
    content = json.loads(command("benchmark", "photos", *QUICK, *MORE, "--dry-run", "--json").out)
    assert (content["cells"], content["finished_cells"], content["losses"]) == (4, 2, ["ce", "gce"])
    assert content["estimate_seconds"] > 0


def test_a_budget_that_is_over_interrupts_or_ends_well_with_what_is_done_and_says_what_is_missing(command, photos):
    ended = command("benchmark", "photos", *QUICK, *MORE, "--budget", "0.000001")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.splitlines()[-1].startswith("resume with: labelscan benchmark photos --epochs 2")
    command("benchmark", "photos", *QUICK, "--seeds", "1")
    ended = command("benchmark", "photos", *QUICK, *MORE, "--budget", "0.000001")
    assert ended.code == 0
    assert ended.out.startswith("symmetric:0.2: 2 of 12 labels wrong, 1 seed\n")
    assert "3 of 4 cells are missing: run the same command again" in ended.err


class Diverging(CrossEntropy):
    """A loss that is not a number."""

    def forward(self, logits, given_labels):
        return super().forward(logits, given_labels) * torch.nan

    def stalls(self, n_classes):
        return ""  # it is found in training


def test_a_loss_that_fails_is_named_below_the_table_and_ends_in_3(command, photos, monkeypatch):
    monkeypatch.setitem(LOSSES._parts, "diverging", Diverging)
    ended = command(
        "benchmark", "photos", *QUICK, "--loss", "diverging", "--seeds", "1", "--set", "executor.processes=1"
    )
    assert ended.code == 3
    assert ended.out.startswith("symmetric:0.2: 2 of 12 labels wrong, 1 seed")
    assert "failed: symmetric:0.2, diverging, seed 0: " in ended.err
    assert "1 of 2 cells failed" in ended.err.splitlines()[-2]
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("width", [40, 80, 100, 160, 240])
def test_the_table_has_as_many_columns_as_the_terminal_has_room_for(screen, width):
    lines = screen(width)
    assert max(map(cells, lines)) <= width
    header = next(line for line in lines if line.startswith("first|detector"))
    assert "F1" in header
    assert ("balanced acc." in header) == (width >= 160)
    assert any("more columns" in line for line in lines) == (width < 160)


def test_what_can_be_expected_of_detectors_stands_beneath_the_table_of_its_noise(screen):
    measured = [
        a_measurement(noise=noise, ceiling=ceiling) for noise, ceiling in zip(NOISES, (None, 0.44), strict=True)
    ]
    lines = screen(160, measurements=measured, planter="a\x1bmodel")
    notes = [line for line in lines if "no detector can be expected to reach more than F1 0.440" in line]
    assert len(notes) == 1
    assert lines.index(notes[0]) > next(row for row, line in enumerate(lines) if line.startswith(NOISES[1]))
    assert "\x1b" not in notes[0]
    assert max(map(cells, screen(40, measurements=measured, planter="ridge"))) <= 40


def test_the_screen_is_as_reviewed(screen, golden):
    golden("benchmark.txt", "\n".join(screen(80)) + "\n")


def test_very_long_and_wide_names_keep_the_shape(screen):
    losses = ("ce", "blurry:" + "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 60)
    detectors = ("d" * 200, "\x1b[2J")
    cells_of = itertools.product(NOISES, detectors, losses)
    measured = [a_measurement(noise=noise, detector=detector, loss=loss) for noise, detector, loss in cells_of]
    lines = screen(80, losses=losses, detectors=detectors, measurements=measured)
    assert max(map(cells, lines)) <= 80
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(("text", "seconds"), [("30", 1800), ("0.5", 30), ("90s", 90), ("2h", 7200)])
def test_a_budget_is_in_minutes_unless_it_says_otherwise(text, seconds):
    assert _read_budget(text) == seconds
