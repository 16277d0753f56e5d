"""Decisions of a person as evidence: decided labels are known, all others are re-scored, and nothing is trained."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from shapes import CLASSES, draw_shapes, plant_errors
from tiny_detect import PLANTED, RESULTS, Recorder, contents, quick

import labelscan
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.errors import DecisionsError, RunFolderError
from labelscan.events import Noted
from labelscan.results.run import FinishedRun, Run

N = 600
SCORE_RESULTS = sorted({*RESULTS} - {"folds.csv"})
DETECTORS = ("noise-posterior", "confident-learning")


def problem() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities, given labels and whether these are wrong; models are sure only of easy examples."""
    generator = np.random.default_rng(0)
    true_labels = generator.integers(0, 3, N)
    strength = generator.gamma(2, 1.5, N)
    logits = generator.normal(size=(N, 3)) + strength[:, None] * np.eye(3)[true_labels]
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = generator.random(N) < 0.12
    return probs, np.where(wrong, (true_labels + 1) % 3, true_labels), wrong


IDS = [f"{row:03}.png" for row in range(N)]
PROBS, GIVEN, WRONG = problem()


def score(folder: Path, **options: object) -> Run:
    return labelscan.score(PROBS, GIVEN, class_names=CLASSES, example_ids=IDS, output=folder, **options)


def decide(ids, *, truly: bool = True) -> list[Decision]:
    """Return decisions by the truth, or all against it."""
    made = []
    for one in ids:
        row = int(one[:3])
        verdict = "drop" if WRONG[row] == truly else "keep"
        made.append(Decision(example_id=one, verdict=verdict, given_label=CLASSES[GIVEN[row]]))
    return made


def to_measure(folder: Path, n: int) -> list[str]:
    return pd.read_csv(folder / "measure.csv", dtype=str)["example_id"].tolist()[:n]


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request):
    return request.param


@pytest.fixture(scope="module")
def plain(detector, tmp_path_factory):
    """Return the folder of a run without decisions, which tests only read."""
    return score(tmp_path_factory.mktemp(detector) / "plain", detector=detector).folder


@pytest.fixture(scope="module", params=[True, False], ids=["true decisions", "wrong decisions"])
def decisions(request, plain):
    """Return decisions about 60 labels: true ones, or ones that contradict the model as far as can be."""
    return decide(to_measure(plain, 60), truly=request.param)


def test_decided_labels_are_never_contradicted(detector, decisions, tmp_path):
    run = score(tmp_path / "run", detector=detector, decisions=decisions)
    scores = run.issues.scores.set_index("example_id")
    for one in decisions:
        row = scores.loc[one.example_id]
        assert row["flagged"] == (one.verdict == "drop")
        assert row["error_probability"] == (one.verdict == "drop")
        assert set(filter(None, row["flagged_by"].split("|"))) == ({*DETECTORS} if one.verdict == "drop" else set())
        if detector == "noise-posterior":
            assert row["label_quality"] == 1 - row["error_probability"]
    assert run.summary.wrong_labels.source == "decisions"
    assert run.summary.wrong_labels.n_decided == 60
    assert sorted(run.decided) == sorted(one.example_id for one in decisions)


def test_another_leading_detector_keeps_its_ranking_and_its_other_flags(tmp_path):
    plain = score(tmp_path / "plain", detector="confident-learning")
    made = decide(to_measure(plain.folder, 60))
    run = score(tmp_path / "run", detector="confident-learning", decisions=made)
    before, after = (one.issues.scores.set_index("example_id").sort_index() for one in (plain, run))
    decided = [one.example_id for one in made]
    assert (after["label_quality"].drop(decided) == before["label_quality"].drop(decided)).all()
    assert (after["flagged"].drop(decided) == before["flagged"].drop(decided)).all()
    assert (after["error_probability"] != before["error_probability"]).any()
    assert run.summary.wrong_labels.worth_a_look is None


def test_a_run_rescored_has_the_bytes_of_one_scored_with_decisions_at_once(detector, plain, decisions, tmp_path):
    at_once = score(tmp_path / "at once", detector=detector, decisions=decisions).folder
    again = shutil.copytree(plain, tmp_path / "again")
    write_decisions(reversed(decisions), tmp_path / "d.csv")  # in whatever order they are
    score(again, detector=detector, decisions=tmp_path / "d.csv")
    assert contents(again, *SCORE_RESULTS) == contents(at_once, *SCORE_RESULTS)
    for kept in ("log_odds.npz", "measure.csv", "evidence.npz"):
        assert contents(again, kept) == contents(plain, kept)
    assert contents(again, "issues.csv") != contents(plain, "issues.csv")
    recorded = json.loads((again / "run.json").read_text())["decisions"]
    assert (recorded["file"], recorded["number"]) == (str(tmp_path / "d.csv"), 60)
    score(again, detector=detector)
    assert contents(again, *SCORE_RESULTS) == contents(plain, *SCORE_RESULTS)
    assert "decisions" not in json.loads((again / "run.json").read_text())


def test_the_gate_judges_as_a_run_with_decisions_and_leaves_the_folder_alone(detector, plain, decisions, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    limits = {"max_issues": 0, "min_error_probability": 0.0}
    judged = labelscan.gate(run, decisions=decisions, **limits)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    expected = labelscan.gate(score(tmp_path / "at once", detector=detector, decisions=decisions), **limits)
    assert [one.example_id for one in judged.suspects] == [one.example_id for one in expected.suspects]
    assert [one.error_probability for one in judged.suspects] == pytest.approx(
        [one.error_probability for one in expected.suspects], rel=1e-5
    )
    for name, value in judged.to_json()["wrong_labels"].items():
        assert value == pytest.approx(expected.to_json()["wrong_labels"][name]), name
    assert {one.line for one in judged.suspects} == {1}, "issues.csv has other lines"
    assert labelscan.gate(run, **limits).to_json() == labelscan.gate(plain, **limits).to_json() | {"run": str(run)}


def test_the_tables_judged_in_memory_are_those_that_would_be_written(detector, plain, decisions, tmp_path):
    from labelscan.correction.judging import judge_finished
    from labelscan.correction.review import read_review

    score(tmp_path / "at once", detector=detector, decisions=decisions)
    judged = judge_finished(FinishedRun.read(plain), read_review(decisions))
    judged.issues.write(tmp_path)
    assert contents(tmp_path, "issues.csv", "scores.csv") == contents(tmp_path / "at once", "issues.csv", "scores.csv")


def test_the_interval_holds_the_number_of_wrong_labels_and_the_summary_says_so(tmp_path):
    plain = score(tmp_path / "run")
    wrong = summary_of(plain.folder)["wrong_labels"]
    assert (wrong["source"], wrong["n_decided"]) == ("one opinion", 0)
    assert {wrong[name] for name in ("high", "precision", "found", "worth_a_look", "decisions_to_halve")} == {None}
    score(tmp_path / "run", decisions=decide(to_measure(plain.folder, 80)))
    summary = summary_of(plain.folder)
    wrong = summary["wrong_labels"]
    assert wrong["low"] <= WRONG.sum() <= wrong["high"]
    assert wrong["share_low"] == pytest.approx(wrong["low"] / N, rel=1e-5)
    flagged = pd.read_csv(plain.folder / "issues.csv", dtype=str)["example_id"]
    listed = np.isin(IDS, flagged)
    for name, true in (("precision", WRONG[listed].mean()), ("found", (WRONG & listed).sum() / WRONG.sum())):
        assert wrong[name]["low"] <= true <= wrong[name]["high"]
    assert wrong["decisions_to_halve"] == 240
    scores = pd.read_csv(plain.folder / "scores.csv")
    assert wrong["worth_a_look"] == scores.loc[scores["error_probability"] >= 0.1, "rank"].max()


def test_decisions_about_other_labels_are_left_out_with_one_note(plain, tmp_path):
    stale = Decision(example_id=to_measure(plain, 40)[-1], verdict="keep", given_label="another")
    lost = Decision(example_id="lost.png", verdict="keep")
    received = Recorder()
    ids = to_measure(plain, 20)
    made = [stale, lost, *decide(ids)]
    run = score(tmp_path / "run", decisions=made, notify=received)
    (note,) = [one.message for one in received.of(Noted)]
    assert note.startswith("decisions: 2 of 22 decisions were left out")
    assert note in run.summary.notes
    assert run.summary.wrong_labels.n_decided == 20
    assert labelscan.gate(run, max_issues=0, decisions=made).warnings[0] == note


def test_a_few_decisions_count_for_their_own_labels_alone_and_that_is_said(plain, detector, tmp_path):
    made = decide(to_measure(plain, 9))
    run = score(tmp_path / "run", detector=detector, decisions=made)
    scores = run.issues.scores.set_index("example_id")
    assert [scores.loc[one.example_id, "flagged"] for one in made] == [one.verdict == "drop" for one in made]
    assert run.summary.wrong_labels.source == "one opinion"
    n_wrong = sum(one.verdict == "drop" for one in made)
    assert run.summary.notes[-1] == (
        f"decisions: {n_wrong} of 9 decided labels are wrong; of the 591 others nobody has measured any: the first 10 "
        "labels of measure.csv, or more, would say how many are wrong"
    )


def test_deciding_the_list_counts_what_was_found_and_measures_nothing(tmp_path):
    plain = score(tmp_path / "run")
    listed = plain.issues.flagged["example_id"].tolist()
    reviewed = score(tmp_path / "run", decisions=decide(listed)).summary
    n_found = sum(WRONG[int(one[:3])] for one in listed)
    assert (reviewed.wrong_labels.source, reviewed.wrong_labels.high) == ("one opinion", None)
    assert n_found <= reviewed.wrong_labels.low <= WRONG.sum()
    assert f"{n_found} of {len(listed)} decided labels are wrong" in reviewed.notes[-1]
    measured = score(tmp_path / "run", decisions=decide(to_measure(plain.folder, 60))).summary.wrong_labels
    both = score(tmp_path / "run", decisions=decide({*listed, *to_measure(plain.folder, 60)})).summary.wrong_labels
    assert both.n_decided == 60
    assert measured.low <= both.low <= WRONG.sum() <= both.high <= measured.high


def test_decisions_on_a_corrected_copy_are_known_and_judge_no_other_label(detector, plain, tmp_path):
    made = [
        Decision(
            example_id=IDS[row], verdict="relabel", new_label=CLASSES[GIVEN[row] - 1], given_label=CLASSES[GIVEN[row]]
        )
        if WRONG[row]
        else Decision(example_id=IDS[row], verdict="keep", given_label=CLASSES[GIVEN[row]])
        for row in (int(one[:3]) for one in to_measure(plain, 60))
    ]
    corrected = GIVEN.copy()
    for one in made:
        if one.verdict == "relabel":
            corrected[int(one.example_id[:3])] -= 1
    options = {"class_names": CLASSES, "example_ids": IDS, "detector": detector}
    corrected %= 3
    without = labelscan.score(PROBS, corrected, output=tmp_path / "without", **options)
    run = labelscan.score(PROBS, corrected, output=tmp_path / "with", decisions=made, **options)
    before, after = (one.issues.scores.set_index("example_id").sort_index() for one in (without, run))
    decided = [one.example_id for one in made]
    assert not after.loc[decided, "flagged"].any()
    assert (after.loc[decided, "error_probability"] == 0).all()
    judged = ["flagged", "error_probability", "label_quality"]
    pd.testing.assert_frame_equal(after.drop(index=decided)[judged], before.drop(index=decided)[judged])
    known, estimate = run.summary.wrong_labels, without.summary.wrong_labels
    assert (known.source, known.n_decided, known.found) == ("one opinion", 0, None)
    assert 0 < known.low < estimate.low
    assert known.low <= known.estimate
    assert known.high is None
    assert sorted(run.decided) == sorted(decided)
    assert "do not measure how many are wrong" in run.summary.notes[-1]
    assert run.summary.notes[-1] in labelscan.gate(run, max_issues=0, decisions=made).warnings


def test_decisions_that_settle_nothing_change_nothing(plain, detector, tmp_path):
    unsure = Decision(example_id=IDS[0], verdict="unsure")
    run = score(tmp_path / "run", detector=detector, decisions=[unsure])
    assert not run.decided
    assert contents(run.folder, *SCORE_RESULTS) == contents(plain, *SCORE_RESULTS)


def test_everything_may_be_decided(tmp_path):
    run = score(tmp_path / "run", decisions=decide(IDS))
    assert set(run.issues.flagged["example_id"]) == {one for one, wrong in zip(IDS, WRONG, strict=True) if wrong}
    known = run.summary.wrong_labels
    assert known.estimate == known.low == known.high == WRONG.sum()
    assert (known.found.low, known.precision.low) == (pytest.approx(1, abs=0.01), 1)


def test_a_damaged_file_is_refused_before_the_run_is_touched(plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    before = contents(run, "run.json", "issues.csv")
    (tmp_path / "d.csv").write_text("example_id,decision\n")
    with refuses(DecisionsError, "no-column"):
        score(run, decisions=tmp_path / "d.csv")
    with pytest.raises(DecisionsError):
        labelscan.gate(run, max_issues=0, decisions=tmp_path / "missing.csv")
    assert contents(run, "run.json", "issues.csv") == before


def test_a_gate_with_decisions_needs_the_evidence(plain, tmp_path):
    run = shutil.copytree(plain, tmp_path / "run")
    (run / "evidence.npz").unlink()
    with refuses(RunFolderError, "damaged"):
        labelscan.gate(run, max_issues=0, decisions=decide(IDS[:3]))


def test_a_finished_run_of_detect_is_rescored_without_training_or_decoding(tmp_path):
    images, true_labels = draw_shapes(180)
    given = plant_errors(true_labels, PLANTED)
    settings = quick(**{"detection.self_check": 0.02})
    labelscan.detect(images, given, settings=settings, output=tmp_path / "run")
    ids = to_measure(tmp_path / "run", 50)
    made = [
        Decision(example_id=one, verdict="keep" if given[int(one)] == true_labels[int(one)] else "drop") for one in ids
    ]
    received = Recorder()
    run = labelscan.detect(images, given, settings=settings, output=tmp_path / "run", decisions=made, notify=received)
    assert received.epochs() == []
    assert not any(getattr(event, "step", "") == "decode" for event in received.events)
    assert run.summary.wrong_labels.n_decided == 50
    flagged = set(run.issues.flagged["example_id"])
    assert {one.example_id for one in made if one.verdict == "drop"} <= flagged
    assert not {one.example_id for one in made if one.verdict == "keep"} & flagged
    assert run.summary.self_check is not None
