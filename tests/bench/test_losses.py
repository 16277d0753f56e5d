"""The table of several benchmarks compares losses on the same errors only."""

import json

import losses
import pandas as pd


def write_run(folder, epochs, f1_of):
    """Write what a benchmark leaves, with F1 by noise, seed and loss."""
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"settings": {"training": {"epochs": epochs}}}))
    rows = [
        {"noise": noise, "seed": seed, "loss": loss, "detector": "noise-posterior", "f1": f1}
        for (noise, seed, loss), f1 in f1_of.items()
    ]
    pd.DataFrame(rows).to_csv(folder / "measurements.csv", index=False)
    return folder


def test_a_row_is_a_loss_best_first_and_says_how_often_it_is_above_ce(tmp_path):
    first = {("a", 0, "ce"): 0.5, ("a", 0, "gce"): 0.7, ("b", 0, "ce"): 0.6, ("b", 0, "gce"): 0.5}
    second = {("a", 0, "ce"): 0.5, ("a", 0, "gce"): 0.9}
    runs = [write_run(tmp_path / "set-10", 10, first), write_run(tmp_path / "set-30", 30, second)]
    lines = losses.table(pd.concat(map(losses.read, runs))).splitlines()
    assert lines[0] == "| loss | set, 10 epochs | set, 30 epochs | over ce | above it |"
    assert lines[2:] == ["| gce | 0.600 | 0.900 | +0.167 | 2 of 3 |", "| ce | 0.550 | 0.500 | +0.000 |  |"]


def test_errors_that_not_all_losses_have_are_left_out(tmp_path):
    f1 = {("a", 0, "ce"): 0.5, ("a", 0, "gce"): 0.7, ("a", 1, "ce"): 0.1}
    rows = losses.read(write_run(tmp_path / "set-10", 10, f1))
    assert rows["seed"].tolist() == [0, 0]


def test_the_plot_has_a_panel_for_each_set_and_detector(tmp_path):
    f1 = {("a", 0, "ce"): 0.5, ("a", 0, "gce"): 0.7}
    rows = losses.read(write_run(tmp_path / "set-10", 10, f1))
    both = rows.assign(detector="confident-learning:filter_by=both")
    assert len(losses.draw(pd.concat([rows, both])).axes) == 2
