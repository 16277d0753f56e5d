"""Verdicts on a finished run of twelve labels, all of which are checked by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from finished import a_run, some_wrong
from refusals import refuses

import labelscan
from labelscan.config import Config, GateConfig, resolve, settings_that_matter
from labelscan.correction.decisions import Decision
from labelscan.errors import ConfigError, GateError, UsageError
from labelscan.gating.baseline import Baseline
from labelscan.gating.run_gate import accept, effective_limits, judge_gate
from labelscan.gating.words import unlisted
from labelscan.results.run import FinishedRun
from labelscan.runs.record import GivenFiles

CLASSES = ("cat", "dog", "fox")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Make a run of 12 labels, 4 a class, in which two cats look like dogs and one dog like a fox."""
    monkeypatch.chdir(tmp_path)
    labelscan.score(**given(), output=tmp_path / "run")
    return FinishedRun.read(tmp_path / "run")


def given():
    labels = np.repeat([0, 1, 2], 4)
    looks_like = labels.copy()
    looks_like[[0, 1]], looks_like[4] = 1, 2
    probs = np.full((12, 3), 0.02)
    probs[np.arange(12), looks_like] = 0.96
    ids = [f"{row:02}" for row in range(12)]
    return {"probs": probs, "given_labels": labels, "class_names": CLASSES, "example_ids": ids}


def a_run_with(error_probability):
    """Return a run of nine scored labels with these error probabilities, of which the first four are flagged."""
    run = a_run()
    run.issues.scores["error_probability"] = [*error_probability, np.nan]
    return run


def verdict(run, *, baseline=None, **limits):
    if baseline is not None:
        limits["baseline"] = "known.csv"
        baseline = Baseline(path=Path("known.csv"), rows={one: {} for one in baseline})
    return judge_gate(run, effective_limits(GateConfig(**limits)), baseline)


def check(run, **limits):
    (one,) = verdict(run, **limits).checks
    return one


def test_no_verdict_is_given_by_a_probability_that_no_label_reaches():
    run = a_run_with([0.8999, 0.7, 0.6, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1])
    with refuses(GateError, "no-error-probability") as caught:
        verdict(run, max_issues=9, min_error_probability=0.9)
    assert "0.899" in str(caught.value), "rounded up it would be the probability that it does not reach"
    assert len(verdict(run, max_issues=9, min_error_probability=0.8999).suspects) == 1


@pytest.mark.parametrize("highest", [0.04, 0.6])
def test_labels_that_are_hardly_doubted_pass_by_a_probability_that_none_reaches(highest):
    run = a_run_with([highest, *[0.04] * 8])
    assert verdict(run, max_issues=0, min_error_probability=0.9).passed


@pytest.mark.parametrize(
    ("limits", "found", "exceeded_below"),
    [({"max_rate": 1.0}, 3 / 12, 0.2499), ({"max_issues": 9}, 3, 2), ({"max_class_rate": 1.0}, 2 / 4, 0.4999)],
)
def test_a_limit_is_exceeded_only_beyond_it(run, limits, found, exceeded_below):
    (name,) = limits
    assert check(run, **limits).found == found
    assert check(run, **{name: found}).passed
    assert not check(run, **{name: exceeded_below}).passed


@pytest.mark.parametrize(
    ("limits", "name", "sentence"),
    [
        ({"max_rate": 0.5}, "max-rate-measured", "at least 55.6 % of the scored labels are wrong, as measured, 50 %"),
        ({"max_issues": 4}, "max-issues-measured", "at least 5 labels are wrong, as measured, 4"),
    ],
)
def test_more_labels_measured_to_be_wrong_than_allowed_fail_whatever_the_list_says(limits, name, sentence):
    found = {"low": 5.0, "share_low": 5 / 9, "high": None, "share_high": None}
    run = a_run(summary={"wrong_labels": some_wrong(**found, source="decisions")})
    listed, measured = verdict(run, **limits).checks
    assert (listed.passed, measured.name, measured.passed) == (True, name, False)
    assert measured.sentence == f"{sentence} allowed"
    unreached = dataclasses.replace(a_run_with([0.8, 0.7, 0.6, *[0.1] * 6]), summary=run.summary)
    assert not verdict(unreached, **limits, min_error_probability=0.9).passed
    (alone,) = verdict(a_run(summary={"wrong_labels": some_wrong(**found)}), **limits).checks
    assert alone.passed, "an estimate is not measured"


def test_an_interval_around_the_limit_passes_and_says_so():
    found = {"low": 2.0, "share_low": 2 / 9, "high": 5.0, "share_high": 5 / 9}
    run = a_run(summary={"wrong_labels": some_wrong(**found, source="decisions")})
    _, _, rate, number = verdict(run, max_rate=0.5, max_issues=4).checks
    assert rate.passed
    assert number.passed
    assert rate.sentence.endswith("wrong, as measured, 50 % allowed; up to 55.6 % may be")
    assert number.sentence.endswith("wrong, as measured, 4 allowed; up to 5 may be")


def test_a_measurement_may_be_required(run):
    listed, required = labelscan.gate(run.folder, max_issues=9, require_measured=True).checks
    assert (listed.passed, required.name, required.passed) == (True, "require-measured", False)
    measured = a_run(summary={"wrong_labels": some_wrong(source="decisions", n_decided=50)})
    assert verdict(measured, max_issues=9, require_measured=True).passed


def test_a_limit_on_classes_names_those_that_exceed_it(run):
    assert check(run, max_class_rate=0.4999999).sentence == "50 % of the labels 'cat' are suspects, 49.99999 % allowed"
    assert check(run, max_class_rate=0.2).sentence.endswith("; exceeded by 'cat', 'dog'")


def test_suspects_in_the_baseline_are_not_new_if_their_label_is_the_same(run):
    found = verdict(run, baseline=[("00", "cat"), ("01", "dog"), ("gone", "cat")], max_new=2)
    assert [(one.example_id, one.is_new) for one in found.suspects][-1] == ("00", False)
    assert (found.n_new, found.passed) == (2, True)
    assert (found.gone, found.relabelled) == ((("gone", "cat"),), (("01", "dog"),))
    assert not verdict(run, baseline=[]).passed
    assert [one.name for one in verdict(run, baseline=[], max_rate=0.5).checks] == ["max-rate", "max-new"]
    assert verdict(run, baseline=[("00", "cat"), ("01", "cat"), ("04", "dog")]).passed


def test_without_a_limit_there_is_nothing_to_judge_by():
    with refuses(GateError, "no-limit"):
        effective_limits(GateConfig())
    with refuses(GateError, "no-baseline"):
        effective_limits(GateConfig(max_new=0))


def test_no_baseline_overwrites_the_data(tmp_path):
    rows = [f"{row:02},{'ab'[row % 2]},{0.9 - 0.8 * (row % 2)},{0.1 + 0.8 * (row % 2)}\n" for row in range(10)]
    data = tmp_path / "probs.csv"
    data.write_text("example_id,given_label,prob:a,prob:b\n" + "".join(rows))
    labelscan.score(data, label_column="given_label", output=tmp_path / "run")
    before = data.read_bytes()
    with refuses(UsageError, "protected-file"):
        labelscan.update_baseline(tmp_path / "run", data)
    assert data.read_bytes() == before


@pytest.mark.parametrize(("part", "says"), [("record", "planted"), ("summary", "learned_nothing")])
def test_a_run_whose_flags_mean_nothing_passes_no_gate_and_makes_no_baseline(run, tmp_path, part, says):
    run = dataclasses.replace(run, **{part: dataclasses.replace(getattr(run, part), **{says: True})})
    code = {"planted": "planted-labels", "learned_nothing": "learned-nothing"}[says]
    with refuses(GateError, code):
        verdict(run, max_rate=1.0)
    with refuses(GateError, code):
        accept(lambda: run, tmp_path / "known.csv")


def test_paths_start_where_the_run_was_started(run):
    for path, shown in ((f"{run.record.directory}/photos/a.png", "photos/a.png"), ("/elsewhere/a.png",) * 2):
        run.issues.scores["path"] = path
        assert {one.path for one in verdict(run, max_issues=9).suspects} == {shown}


def test_paths_start_at_the_root_of_the_repository(run):
    started_in = Path(run.record.directory)
    repository = started_in / "repository"
    (repository / "tools").mkdir(parents=True)
    (repository / ".git").write_text("gitdir: elsewhere")  # of a worktree
    moved = dataclasses.replace(run, record=dataclasses.replace(run.record, directory=str(repository / "tools")))
    paths = ["../data/./a.png", f"{repository}/data/a.png", "b.png", "../../c.png"]
    shown = ["data/a.png", "data/a.png", "tools/b.png", "../../c.png"]
    for path, expected in zip(paths, shown, strict=True):
        run.issues.scores["path"] = path
        assert {one.path for one in verdict(moved, max_issues=9).suspects} == {expected}
    away = dataclasses.replace(run, record=dataclasses.replace(run.record, directory=""))
    assert {one.path for one in verdict(away, max_issues=9).suspects} == {"../../c.png"}


def test_without_a_file_of_the_data_a_suspect_still_has_a_line(run, tmp_path):
    found = verdict(run, max_issues=0)
    assert found.source == ""
    assert Path(found.issues).name == "issues.csv"
    lines = (run.folder / "issues.csv").read_text().splitlines()
    assert [lines[one.line - 1].split(",")[1] for one in found.suspects] == [one.example_id for one in found.suspects]
    run.issues.scores["suggested_label"] = "two\nlines"
    assert [one.line for one in verdict(run, max_issues=0).suspects] == [2, 4, 6]
    source = GivenFiles(file=f"{run.record.directory}/p.npz")
    scored = dataclasses.replace(run, record=dataclasses.replace(run.record, source=source))
    assert verdict(scored, max_issues=0).source == "p.npz"


def test_suspects_are_accepted_only_into_a_file_that_may_be_written(run):
    assert verdict(run, max_issues=0).accepts_into == "labels-baseline.csv"
    assert verdict(run, max_issues=0, baseline=[]).accepts_into == "known.csv"
    assert Baseline(path=Path("decisions.csv"), rows={}, are_decisions=True).accepts_into == ""
    assert Baseline(path=run.folder / "issues.csv", rows={}).accepts_into == "labels-baseline.csv"


@pytest.mark.parametrize("in_memory", [True, False])
def test_labels_that_were_decided_to_be_wrong_count_and_are_not_listed(run, in_memory):
    decisions = [Decision(example_id="00", verdict="drop"), Decision(example_id="02", verdict="keep")]
    if in_memory:
        found = labelscan.gate(run.folder, max_issues=9, decisions=decisions)
    else:
        judged = labelscan.score(**given(), output=run.folder, decisions=decisions)
        found = labelscan.gate(judged, max_issues=9)
    assert {one.example_id for one in found.suspects if one.is_decided} == {"00"}
    assert "00" not in {one.example_id for one in found.to_look_at}
    assert len(found.to_look_at) == len(found.suspects) - 1 > 0
    assert unlisted(found, len(found.to_look_at)) == "and 1 reviewed before"


def test_limits_change_no_result():
    limited = resolve(overrides=["gate.max_rate=0.1", "gate.baseline=known.csv", "gate.max_new=3"])
    assert limited != Config()
    assert settings_that_matter(limited) == settings_that_matter(Config())


def test_the_library_judges_what_the_command_does(run, tmp_path):
    folder = run.folder
    found = labelscan.gate(folder, max_issues=3)
    assert {one.example_id for one in found.suspects} == {"00", "01", "04"}
    assert (found.n_scored, found.n_flagged, found.passed) == (12, 3, True)
    limits = labelscan.settings(overrides={"gate.max_issues": 2})
    assert not labelscan.gate(folder, settings=limits).passed
    assert labelscan.gate(folder, settings=limits, max_issues=3).passed
    update = labelscan.update_baseline(folder, tmp_path / "known.csv")
    assert len(update.added) == 3
    assert labelscan.gate(str(folder), baseline=tmp_path / "known.csv").passed
    with refuses(labelscan.GateError, "no-file"):
        labelscan.gate(folder, baseline=tmp_path / "gone.csv")


def test_a_baseline_may_be_in_the_home_folder(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert labelscan.update_baseline(run.folder, "~/known.csv").path == tmp_path / "known.csv"
    assert labelscan.gate(run.folder, baseline="~/known.csv").passed


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("max_rate", "5%", "wrong-type"),
        ("max_rate", True, "wrong-type"),
        ("max_issues", 2.5, "wrong-type"),
        ("max_issues", np.int64(-5), "out-of-range"),
        ("max_rate", np.float32(5), "out-of-range"),
        ("min_error_probability", "0.7", "wrong-type"),
    ],
)
def test_limits_in_memory_are_checked_as_those_of_a_command_are(run, name, value, code):
    with refuses(ConfigError, code, f"gate.{name}"):
        labelscan.gate(run, **{name: value})
