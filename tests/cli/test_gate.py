"""The gate: its exit code is what a CI job lives by."""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from signed import forget_checksums
from tiny_verdict import NASTY, a_suspect, a_verdict

import labelscan.cli
from labelscan.cli.gate import _read_formats as read_forms
from labelscan.cli.gate_screen import as_text

ROOT = Path(__file__).parents[2]


def write_probs(path, *, wrong=(3, 13, 23), n=60, names=("cat", "dog", "fox"), blind=False, ids="{:02}.png"):
    """Write the probabilities of examples whose labels are right but for the ``wrong`` ones."""
    true_labels = np.arange(n) % len(names)
    sure = np.random.default_rng(0).uniform(0.9, 0.97, n)
    pred_probs = np.repeat((1 - sure)[:, None] / (len(names) - 1), len(names), axis=1)
    pred_probs[np.arange(n), true_labels] = sure
    if blind:
        pred_probs = np.full((n, len(names)), 1 / len(names))
    given_labels = np.where(np.isin(np.arange(n), wrong), (true_labels + 1) % len(names), true_labels)
    np.savez(
        path,
        pred_probs=pred_probs,
        given_labels=given_labels,
        class_names=np.array(names),
        example_ids=np.array([ids.format(row) for row in range(n)]),
    )


@pytest.fixture
def run(command, tmp_path):
    """Make a run folder ``run`` with 3 suspects among 60 labels."""
    write_probs(tmp_path / "probs.npz")
    assert command("score", "probs.npz", "-o", "run", "-q").code == 0
    return tmp_path / "run"


def test_a_limit_that_is_reached_passes_and_one_that_is_exceeded_fails(command, run):
    for limit, code in (("--max-issues=3", 0), ("--max-issues=2", 1), ("--max-rate=0.05", 0), ("--max-rate=0.049", 1)):
        ended = command("gate", "run", limit)
        assert (ended.code, ended.err) == (code, ""), limit
        assert ended.out.startswith("FAILED" if code else "PASSED")


def test_the_screen_is_as_reviewed(command, run, golden):
    ended = command("gate", "run", "--max-rate", "0.02", "--max-class-rate", "0.06", "--max-issues", "3")
    assert ended.code == 1
    golden("gate.txt", ended.out)


@pytest.mark.parametrize("limits", [["--max-issues=3"], ["--max-rate=0.02", "--max-class-rate=0.06"]])
def test_the_text_in_a_file_is_what_the_screen_shows(command, run, tmp_path, monkeypatch, limits):
    monkeypatch.setenv("COLUMNS", "200")  # a file wraps nothing
    (tmp_path / "known.csv").write_text("example_id,given_label\n03.png,dog\n13.png,cat\ngone.png,cat\n")
    for baseline in ([], ["--baseline=known.csv"]):
        shown = command("gate", "run", *limits, *baseline).out
        command("gate", "run", *limits, *baseline, "--format=text=file.txt")
        assert (tmp_path / "file.txt").read_text(encoding="utf-8") == shown


def test_a_pass_is_short_unless_a_list_is_wanted(command, run):
    passed = command("gate", "run", "--max-issues", "3").out
    assert passed.splitlines()[-2:] == ["", "review  labelscan report run"]
    assert "23.png" not in passed
    listed = command("gate", "run", "--max-issues", "3", "--top", "1").out
    assert "23.png" in listed
    assert "and 2 more" in listed
    assert "accept" in listed
    junit = command("gate", "run", "--max-issues", "3", "--format", "junit").out
    assert "23.png" not in junit
    assert "more" not in junit


def test_the_hook_for_pre_commit_calls_a_command_that_there_is():
    hook = dict(re.findall(r"^[ -] (\w+): (.+)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.MULTILINE))
    program, name = hook["entry"].split()
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert name in {one.name for one in labelscan.cli.app.registered_commands}
    assert hook["pass_filenames"] == "false"  # it takes the data as a whole
    assert {"id": "labelscan-gate", "language": "python"}.items() <= hook.items()


def test_what_is_in_the_baseline_is_not_new(command, run, tmp_path):
    assert "--update-baseline" in command("gate", "run", "--baseline", "known.csv").err
    made = command("gate", "run", "--baseline", "known.csv", "--update-baseline")
    assert (made.code, made.err) == (0, "")
    assert "3 added, 0 removed: every flag, including those below P = 0.5" in made.out
    assert command("gate", "run", "--baseline", "known.csv").code == 0
    write_probs(tmp_path / "more.npz", wrong=(3, 13, 23, 33))
    assert command("score", "more.npz", "-o", "more", "-q").code == 0
    new = command("gate", "more", "--baseline", "known.csv")
    assert new.code == 1
    assert "1 suspect not in the baseline, 0 allowed" in new.out
    assert "33.png" in new.out
    assert command("gate", "more", "--baseline", "known.csv", "--max-new", "1").code == 0


def test_rows_of_the_baseline_that_say_nothing_any_more_are_named_by_their_cause(command, run, tmp_path):
    gone = "".join(f"gone {number}.png,cat\n" for number in range(5))
    (tmp_path / "known.csv").write_text(f"example_id,given_label\n03.png,dog\n13.png,fox\n23.png,dog\n{gone}")
    out = " ".join(command("gate", "run", "--baseline", "known.csv").out.split())
    assert "note: known.csv: 1 label has changed since: 23.png" in out
    words = "5 rows are about examples that are not in this run: gone 0.png, gone 1.png, gone 2.png and 2 more"
    assert f"warning: known.csv: {words}" in out


def test_limits_come_from_settings_too(command, run, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.labelscan.gate]\nmax_issues = 2\n")
    assert command("gate", "run", "--config", "pyproject.toml").code == 1
    assert command("gate", "run", "--config", "pyproject.toml", "--max-issues", "3").code == 0
    assert command("gate", "run", "--set", "gate.max_rate=0.01").code == 1
    assert command("gate", "run", "--config", "ci").code == 0


def test_what_was_measured_fails_the_gate_and_every_format_says_so(command, run, tmp_path):
    assert command("gate", "run", "--max-rate", "0.05", "--require-measured").code == 1
    assert command("gate", "run", "--max-rate", "0.05", "--set", "gate.require_measured=true").code == 1
    with (run / "measure.csv").open(encoding="utf-8") as file:
        drawn = [one["example_id"] for one in csv.DictReader(file)][:40]
    rows = [f"{one},{'drop' if place % 10 < 7 else 'keep'}," for place, one in enumerate(drawn)]
    (tmp_path / "decisions.csv").write_text("\n".join(["example_id,decision,new_label", *rows]) + "\n")
    names = ("text", "json", "junit", "sarif", "github", "markdown")
    forms = [f"--format={name}={name}" for name in names]
    given = ("--decisions=decisions.csv", "--max-rate=0.4", "--require-measured", *forms)
    assert command("gate", "run", *given, "--min-error-probability=0").code == 1
    for name in names:
        content = (tmp_path / name).read_text(encoding="utf-8")
        assert "of the scored labels are wrong, as measured" in content, name
        assert "only the list" not in content, name


def test_a_run_is_known_though_the_shell_keeps_the_tilde_and_by_a_dot(command, run, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(run.parent))
    assert command("gate", f"~/{run.name}", "--max-issues=3").code == 0
    monkeypatch.chdir(run)
    assert command("gate", ".", "--max-issues", "3").code == 0


def test_no_form_is_written_over_the_run_that_it_makes(command, blobs):
    ended = command("gate", "blobs.csv", "--folds=2", "-o", "made", "--max-issues=9", "--format=json=made/scores.csv")
    assert ended.code == 2
    assert command("gate", "made", "--max-issues=9", "--format=json=made/gate.json").code == 0


def test_data_beside_a_run_is_data(command, run, blobs, tmp_path, monkeypatch):
    (tmp_path / "blobs.csv").rename(run / "corrected.csv")
    assert command("gate", "run/corrected.csv", "--folds", "2", "--max-issues", "9").code == 0
    monkeypatch.chdir(run)
    assert "--loss is for" not in command("gate", "demo:digitz", "--loss", "ce", "--max-issues", "9").err


def test_models_that_learned_nothing_pass_no_gate(command, tmp_path):
    write_probs(tmp_path / "blind.npz", blind=True)
    quiet = command("score", "blind.npz", "-o", "blind", "-q")
    assert (quiet.code, quiet.out) == (0, "blind/issues.csv\n")
    assert quiet.err.startswith("warning: the models learned nothing: ")
    shown = command("score", "blind.npz", "-o", "blind").out
    assert shown.splitlines()[0] == "blind: the models learned nothing, so no label can be judged"
    assert "Top" not in shown
    assert command("gate", "blind", "--max-issues", "99").code == 2
    assert command("gate", "blind", "--baseline", "known.csv", "--update-baseline").code == 2
    assert not (tmp_path / "known.csv").exists()


def test_a_run_without_a_score_cannot_be_judged(command, run):
    lines = (run / "scores.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    emptied = [",".join(["", *row[1:4], *[""] * 9, "false", "unscored: only member"]) for row in rows]
    (run / "scores.csv").write_text("\n".join([lines[0], *emptied]) + "\n")
    forget_checksums(run)
    ended = command("gate", "run", "--max-issues", "0")
    assert ended.code == 2
    assert "no example has a score" in ended.err


@pytest.fixture
def blobs(tmp_path):
    """Make a table of two blobs of 30 points, one label of them wrong."""
    points = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[-4, -4], [4, 4]], 30, axis=0)
    labels = ["b" if row >= 30 or row == 7 else "a" for row in range(60)]
    rows = [f"{x:.4f},{y:.4f},{label}" for (x, y), label in zip(points, labels, strict=True)]
    (tmp_path / "blobs.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")


def test_the_same_command_judges_fixed_data_in_the_same_folder(command, blobs, tmp_path):
    line = ("gate", "blobs.csv", "--folds", "2", "--max-issues", "0", "-o", "labels-run")
    assert command(*line).code == 1
    table = tmp_path / "blobs.csv"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([*rows[:8], rows[8].replace(",b", ",a"), *rows[9:-1]]) + "\n")
    fixed = command(*line)
    assert fixed.code == 0, fixed.err
    assert "labels-run starts over: the data has changed since this run: examples was 60 and is 59" in fixed.err


def test_data_is_detected_first_and_limits_do_not_make_another_run(command, blobs, tmp_path):
    assert command("gate", "blobs.csv").code == 2
    assert command("gate", "blobs.csv", "--baseline", "gone.csv").code == 2
    assert not (tmp_path / "labelscan-runs").exists(), "nothing is trained for what cannot be judged"
    line = ("gate", "blobs.csv", "--folds", "2", "--format", "json")
    first = command(*line, "--max-issues", "0")
    assert first.code == 1, first.err
    content = json.loads(first.out)
    assert [one["example_id"] for one in content["suspects"]] == ["7"]
    again = command(*line, "--max-issues", "1")
    assert again.code == 0
    assert json.loads(again.out)["run"] == content["run"]
    assert len(list((tmp_path / "labelscan-runs").iterdir())) == 1
    sarif = json.loads(command(*line[:4], "--max-issues", "0", "--format", "sarif").out)
    (location,) = sarif["runs"][0]["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "blobs.csv"


def test_a_run_that_breaks_off_is_no_verdict(command, blobs):
    ended = command("gate", "blobs.csv", "--max-issues", "0", "--max-time", "0.001s", "--format", "junit=gate.xml")
    assert ended.code == 130
    assert "resume with: labelscan gate blobs.csv" in ended.err
    assert "is over" in Path("gate.xml").read_text()


def test_where_nothing_can_be_judged_no_file_says_what_was_judged_before(command, run, tmp_path):
    forms = ("--format=junit=gate.xml", "--format=sarif=gate.sarif")
    assert command("gate", "run", "--max-issues=99", *forms).code == 0
    assert 'errors="0"' in (tmp_path / "gate.xml").read_text()
    (run / "scores.csv").unlink()
    ended = command("gate", "run", "--max-issues=99", *forms)
    assert ended.code == 2
    assert 'errors="1"' in (tmp_path / "gate.xml").read_text()
    assert "scores.csv" in (tmp_path / "gate.xml").read_text()
    assert not (tmp_path / "gate.sarif").exists()


def test_forms_in_files_leave_the_text_on_stdout(command, run, tmp_path):
    forms = [f"--format={name}=out/gate.{name}" for name in ("json", "junit", "sarif", "github", "markdown")]
    ended = command("gate", "run", "--max-issues", "2", *forms)
    assert ended.code == 1
    assert ended.out.startswith("FAILED")
    assert len(list((tmp_path / "out").iterdir())) == 5
    both = command("gate", "run", "--max-issues", "2", "--format", "text", "--format", "github")
    assert both.out.startswith("FAILED")
    assert "\n::error title=labelscan gate::FAILED" in both.out
    assert command("gate", "run", "--max-issues", "2", "-q").out.count("\n") == 1
    as_json = command("gate", "run", "--max-issues", "9", "--json")
    assert as_json == command("gate", "run", "--max-issues", "9", "--format", "json=-")
    for name in ("/dev/stdout", "/dev/fd/1"):  # not written here: a mistake could replace them for the whole machine
        assert read_forms([f"json={name}"], update_baseline=False) == {"json": None}


def test_labels_and_ids_are_only_text_and_found_again_in_a_baseline(command, tmp_path):
    ids = "{:02}\x1b[31m\n::warning::%<b>\u202e.png"
    write_probs(tmp_path / "nasty.npz", names=NASTY, wrong=(3, 13, 22, 36), ids=ids)
    assert command("score", "nasty.npz", "-o", "nasty", "-q").code == 0
    ended = command("gate", "nasty", "--max-issues", "0")
    assert ended.code == 1
    assert not set("\x1b\x00\u202e") & set(ended.out)
    assert "\n::" not in ended.out
    made = command("gate", "nasty", "--baseline", "known.csv", "--update-baseline")
    assert made.code == 0
    assert command("gate", "nasty", "--baseline", "known.csv").code == 0


@pytest.mark.skipif(os.name != "posix", reason="closes and fills streams as a shell does")
def test_streams_that_cannot_be_written_are_no_verdict(run):
    passes, fails = ("gate", "run", "--max-issues", "3"), ("gate", "run", "--max-issues", "2")
    cases = [
        (passes, {1: None}, 0),
        (fails, {0: None, 1: None, 2: None}, 1),
        (fails, {1: "unread"}, 1),
        (("gate", "--max-issues", "3"), {2: "/dev/full"}, 2),
        (passes, {1: "/dev/full"}, 3),
        (passes, {1: "/dev/full", 2: "/dev/full"}, 3),
    ]
    ended = subprocess.run(
        [sys.executable, Path(__file__).with_name("forked.py"), json.dumps([case[:2] for case in cases])],
        check=True,
        capture_output=True,
        cwd=run.parent,
    )
    for (_, streams, code), (found, errors) in zip(cases, json.loads(ended.stdout), strict=True):
        assert found == code, (streams, errors)
        assert "Traceback" not in errors
    assert b"Traceback" not in ended.stderr


def test_an_installation_that_is_broken_is_no_verdict(command, monkeypatch):
    for module in ("labelscan.cli", "labelscan.cli.console"):
        monkeypatch.setitem(sys.modules, module, None)  # cannot be imported
        monkeypatch.delattr(labelscan.cli, "console", raising=False)
    assert command("gate", "run", "--max-issues", "3").code == 3


def test_the_text_in_a_file_is_as_reviewed(golden):
    suspects = (a_suspect(1, given_label="\u732b"), a_suspect(2), a_suspect(13, is_new=False))
    golden("gate-file.txt", as_text(a_verdict(suspects, baseline="known.csv"), top=2))


def test_nothing_is_cut_off():
    suspect = a_suspect(7, given_label="x" * 300, path=f"/mnt/{'y' * 90}/photos/cat/07.png")
    text = as_text(a_verdict((suspect,)), top=10)
    assert "x" * 300 in text
    assert " 07 " in text, "suspects are listed by id"
    assert "yy" not in text
