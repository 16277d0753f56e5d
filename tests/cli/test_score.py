import re

import numpy as np
import pytest

from labelscan.cli.console import cells
from labelscan.reporting.run_facts import make_run_facts
from labelscan.results.run import FinishedRun


def test_the_screen_is_as_reviewed(command, probs, golden):
    ended = command("score", "probs.npz", "-o", "run")
    assert "\x1b" not in ended.out + ended.err
    golden("score.txt", ended.out)
    assert "P(wrong)" not in command("score", "probs.npz", "-o", "run", "--top", "0").out
    one = command("score", "probs.npz", "-o", "run", "--top", "1").out.splitlines()
    assert len(ended.out.splitlines()) == len(one) + 1


def test_known_wrong_labels_come_first_and_no_estimate_contradicts_them(command, probs, tmp_path):
    shown = command("score", "probs.npz", "-o", "run", "--top", "0").out
    assert shown.startswith("probs: 2 of 40 labels are known to be wrong\n2 of 40 labels are flagged (5.0 %)\n")
    assert command("report", "run", "--format", "markdown=run.md").code == 0
    for text in (shown, (tmp_path / "run.md").read_text(encoding="utf-8")):
        assert "2 of 40 labels are known to be wrong" in text
        assert "probably wrong" not in text
        assert "accuracy" not in text, "labels of which some are wrong measure no accuracy"
    assert "Measure" not in shown
    assert "agreement with the given labels, held out: 95.0 %" in shown


def test_the_leading_detector_can_be_chosen(command, probs, monkeypatch):
    assert "noise-posterior (leads)" in command("score", "probs.npz", "--detector", "noise-posterior").out
    monkeypatch.setenv("LABELSCAN_DETECTION_DETECTOR", "noise-posterior:kappa=3")
    assert "noise-posterior (leads)" in command("score", "probs.npz").out


def test_the_label_column_that_a_variable_names_for_data_is_not_that_of_probabilities(command, probs, monkeypatch):
    monkeypatch.setenv("LABELSCAN_DATASET_LABEL_COLUMN", "species")
    ended = command("score", "probs.npz", "-q")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch("labelscan-runs/probs-.{8}/issues.csv\n", ended.out), "the folder is named after the file"


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_loses_columns_and_no_digit(command, probs, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = command("score", "probs.npz").out.splitlines()
    assert max(cells(line) for line in lines if not line.startswith(("issues", "next"))) <= columns
    assert not any("\N{HORIZONTAL ELLIPSIS}" in line for line in lines if "(leads)" in line)
    assert any(line.endswith("9.1 %") or "9.1 %  " in line for line in lines)


def test_problems_that_differ_in_their_row_only_are_reported_once(command, tmp_path):
    pred_probs = np.full((40, 2), 0.5)
    pred_probs[5:35, 0] = np.linspace(1, 2, 30)
    np.savez(tmp_path / "bad.npz", pred_probs=pred_probs, given_labels=np.arange(40) % 2)
    ended = command("score", "bad.npz")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "error: bad.npz index 5: probabilities sum to 1.5, not 1",
        "  also at bad.npz index 6, 7, 8, 9, 10, 11, 12, 13 and 11 more",
        "  hint: give every class a column and let each row sum to 1; logits want a softmax first",
        "error: and 10 more problems like these",
    ]


def test_an_interruption_names_no_command_that_would_not_resume(command, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("labelscan.score", interrupt)
    ended = command("score", "detect")  # a file that is called as a command that resumes
    assert (ended.code, ended.err) == (130, "interrupted: stopped by the user\n")


def test_the_home_folder_is_found_where_the_shell_leaves_it_out(command, probs, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert command("score", "probs.npz", "--output=~/run").code == 0
    assert (tmp_path / "home" / "run" / "issues.csv").is_file()
    assert command("diff", "~/run", "home/run", "-o~/differences.csv").code == 0
    assert (tmp_path / "home" / "differences.csv").is_file()
    (tmp_path / "home" / "mine.toml").write_text("[folds]\nn_folds = 1\n")
    assert "must be at least 2" in command("detect", "demo:digits", "--config=~/mine.toml").err
    assert command("score", "probs.npz", "--output=~nobody-here/run").code == 0
    assert (tmp_path / "~nobody-here" / "run").is_dir()


def test_several_files_are_members_of_which_facts_name_the_weights(command, probs, tmp_path):
    arrays = dict(np.load(probs))
    np.savez(tmp_path / "other.npz", **{**arrays, "pred_probs": (arrays["pred_probs"] + 0.5) / 2})
    ended = command("score", "probs.npz", "other.npz", "-o", "run", "-q")
    assert (ended.code, ended.out) == (0, "run/issues.csv\n")
    facts = dict(make_run_facts(FinishedRun.read(tmp_path / "run")))
    assert re.fullmatch(r"probs\.npz [01]\.\d\d, other\.npz [01]\.\d\d", facts["weights"])
    twice = command("score", "probs.npz", "probs.npz")
    assert twice.code == 2
    assert "this file is given twice" in twice.err
