import json

import numpy as np
import pytest
from finished import a_record

from labelscan.cli.console import cells
from labelscan.runs.files import as_json

NAMES = ("[red]cat[/red]", "dog\x1b[2J", "fox")


def write_probs(path, *, seed, corrected=(), removed=(), names=NAMES, ids="{:02}.png"):
    """Write the probabilities of 60 examples, six with a wrong label; of ``corrected`` the label is put right."""
    generator = np.random.default_rng(seed)
    true_labels = np.arange(60) % 3
    scores = generator.normal(size=(60, 3)) + 2.5 * np.eye(3)[true_labels]
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wrong = np.isin(np.arange(60), [3, 13, 23, 33, 43, 53]) & ~np.isin(np.arange(60), corrected)
    kept = ~np.isin(np.arange(60), removed)
    np.savez(
        path,
        pred_probs=probs[kept].round(4),
        given_labels=np.where(wrong, (true_labels + 1) % 3, true_labels)[kept],
        class_names=np.array(names),
        true_labels=true_labels[kept],
        example_ids=np.array([ids.format(row) for row in range(60)])[kept],
    )


@pytest.fixture
def two_runs(command, tmp_path):
    """Make runs ``old`` and ``new``: in the second two labels are corrected and one example is gone."""
    write_probs(tmp_path / "old.npz", seed=0)
    write_probs(tmp_path / "new.npz", seed=1, corrected=(3, 13), removed=(59,))
    for name in ("old", "new"):
        assert command("score", f"{name}.npz", "-o", name, "-q").code == 0


def test_the_screen_is_as_reviewed(command, two_runs, golden):
    ended = command("diff", "old", "new", "--top", "3")
    assert (ended.code, ended.err) == (0, "")
    assert "\x1b" not in ended.out
    golden("diff.txt", ended.out)


def test_json_is_as_reviewed(command, two_runs, golden):
    content = json.loads(command("diff", "old", "new", "--top", "2", "--json").out)
    for one in content["data"]:
        if one["name"] == "fingerprint":
            assert one["first"] != one["second"]
            one["first"] = one["second"] = "..."
    golden("diff.json", json.dumps(content, indent=2) + "\n")


def test_a_run_and_itself_do_not_differ_and_that_is_no_failure_either(command, two_runs):
    ended = command("diff", "old", "old")
    assert ended.code == 0
    assert ended.out.endswith("no example differs\n")
    assert "next" not in ended.out


def test_examples_that_differ_go_into_a_file(command, two_runs, tmp_path):
    ended = command("diff", "old", "new", "--top", "0", "--csv", "d.csv")
    assert ended.out.splitlines()[-1] == "differences  d.csv"
    assert ".png" not in ended.out
    lines = (tmp_path / "d.csv").read_text(encoding="utf-8").splitlines()
    counts = json.loads(command("diff", "old", "new", "--json").out)["counts"]
    alike = ("flagged_by_both", "flagged_by_neither", "scored_by_neither")
    assert len(lines) - 1 == sum(count for name, count in counts.items() if name not in alike)
    assert any(line.startswith("only_in_first,59.png,") for line in lines)


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_long_paths_and_wide_names_keep_screens_in_shape(command, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    names, ids = ("鳥" * 40, "\u202etac", "b" * 70), f"scans/{'deep/' * 30}{{:02}}.jpg"
    for name, seed, corrected in (("a", 0, ()), ("b", 1, (3, 13))):
        write_probs(tmp_path / f"{name}.npz", seed=seed, corrected=corrected, names=names, ids=ids)
    screens = [command("score", f"{name}.npz", "-o", name).out for name in "ab"]
    for lines in map(str.splitlines, [*screens, command("diff", "a", "b").out]):
        assert max(map(cells, lines)) <= columns
        assert all("\u202e" not in line for line in lines)
        examples = [line for line in lines if ".jpg" in line]
        assert len({line.partition(".jpg")[0][-2:] for line in examples}) == len(examples) > 2, (
            "an end tells them apart"
        )
        assert all(line[-1].isdigit() for line in examples), "a number is never cut"


def test_a_benchmark_is_not_mistaken_for_a_run(command, tmp_path):
    (tmp_path / "b").mkdir()
    content = as_json(a_record(results_depend_on={"command": "benchmark"}))
    (tmp_path / "b" / "run.json").write_text(json.dumps(content))
    for arguments in (["diff", "b", "b"], ["status", "b"]):
        ended = command(*arguments)
        assert ended.code == 2
        assert "this is a benchmark, not a run" in ended.err
        assert "cells/" in ended.err


def test_a_name_is_not_cut_where_no_terminal_shows_it(command, tmp_path, monkeypatch):
    write_probs(tmp_path / "old.npz", seed=0, ids="a/long/way/from/" * 4 + "{:02}.png")
    monkeypatch.delenv("COLUMNS")
    assert "a/long/way/from/" * 4 + "03.png" in command("score", "old.npz", "-o", "old").out
