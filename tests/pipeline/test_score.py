"""``labelscan.score``: cleanlab's flags on the probabilities as given, in the files of a run."""

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import cleanlab.filter
import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from tiny_detect import RESULTS

import labelscan
from labelscan.config import read_file
from labelscan.detection.detectors.confident_learning import FilterBy
from labelscan.detection.detectors.noise_posterior import NoisePosterior
from labelscan.detection.evidence import Evidence
from labelscan.detection.pooling import geometric_mean, likeliest_weights
from labelscan.errors import ConfigError, RunFolderError, UsageError
from labelscan.events import Event, Noted, StepDone

FILTERS = get_args(FilterBy)
CLASSES = ["owl", "ant", "cat", "bee"]


def problem(n_examples: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities, given labels and true labels; many probabilities differ in the last digits only."""
    generator = np.random.default_rng(seed)
    true_labels = generator.integers(0, 4, n_examples)
    scores = np.round(1.5 * generator.normal(size=(n_examples, 4)) + 3 * np.eye(4)[true_labels])
    # Ties in float32 that are none in float64.
    scores += generator.normal(scale=1e-10, size=scores.shape)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wrong = generator.random(n_examples) < 0.25
    given_labels = np.where(wrong, generator.integers(0, 4, n_examples), true_labels)
    return probs, given_labels, true_labels


def cleanlab_flags(probs: np.ndarray, given_labels: np.ndarray, filter_by: str) -> set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flags = cleanlab.filter.find_label_issues(given_labels, probs, filter_by=filter_by, n_jobs=1)
    return {str(row) for row in np.flatnonzero(flags)}


def issues_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "issues.csv", dtype=str, keep_default_na=False)


@pytest.mark.parametrize("filter_by", FILTERS)
def test_flags_are_exactly_those_of_cleanlab_on_float64(tmp_path: Path, filter_by: str) -> None:
    rounding_matters = False
    for seed in range(4):
        probs, given_labels, _ = problem(seed=seed)
        np.savez(tmp_path / f"{seed}.npz", pred_probs=probs, given_labels=given_labels)
        run = labelscan.score(
            tmp_path / f"{seed}.npz", detector=f"confident-learning:filter_by={filter_by}", output=tmp_path / str(seed)
        )
        expected = cleanlab_flags(probs, given_labels, filter_by)
        assert set(issues_of(run.folder)["example_id"]) == expected
        assert expected
        rounding_matters |= expected != cleanlab_flags(probs.astype(np.float32), given_labels, filter_by)
    if filter_by in ("prune_by_noise_rate", "both", "low_self_confidence"):
        assert rounding_matters, "the example no longer tells float64 from float32"


@pytest.mark.parametrize("filter_by", FILTERS)
def test_flags_are_those_of_cleanlab_by_hand(tmp_path: Path, filter_by: str) -> None:
    probs = np.array(
        [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.85, 0.15], [0.2, 0.8], [0.15, 0.85], [0.1, 0.9], [0.95, 0.05]]
    )
    given_labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    run = labelscan.score(probs, given_labels, detector=f"confident-learning:filter_by={filter_by}", output=tmp_path)
    assert set(issues_of(run.folder)["example_id"]) == {"2", "7"} == cleanlab_flags(probs, given_labels, filter_by)


def test_probabilities_that_rounding_takes_above_1_are_judged_as_given(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    probs[0] = np.eye(4)[given_labels[0]] * (1 + 1e-9)
    run = labelscan.score(
        probs, given_labels, detector="confident-learning:filter_by=low_self_confidence", output=tmp_path
    )
    assert set(issues_of(run.folder)["example_id"]) == cleanlab_flags(probs, given_labels, "low_self_confidence")


@pytest.mark.parametrize("detector", ["confident-learning", "noise-posterior"])
@pytest.mark.parametrize("form", ["npz", "csv"])
def test_shuffled_rows_give_the_same_bytes(tmp_path: Path, detector: str, form: str) -> None:
    probs, given_labels, true_labels = problem()
    probs[:50] = probs[50:100]  # ties, which cleanlab breaks by position
    ids = np.array([f"id-{row:03}" for row in range(len(probs))])
    folders = []
    for number, order in enumerate((np.arange(len(probs)), np.random.default_rng(1).permutation(len(probs)))):
        (tmp_path / str(number)).mkdir()
        path = tmp_path / str(number) / f"probs.{form}"
        if form == "npz":
            np.savez(
                path,
                pred_probs=probs[order],
                given_labels=given_labels[order],
                true_labels=true_labels[order],
                example_ids=ids[order],
                class_names=CLASSES,
            )
        else:
            frame = pd.DataFrame({f"prob:{name}": probs[order, place] for place, name in enumerate(CLASSES)})
            frame.insert(0, "label", np.array(CLASSES)[given_labels[order]])
            frame.insert(0, "id", ids[order])
            frame.to_csv(path, index=False)
        folders.append(labelscan.score(path, detector=detector, output=tmp_path / f"run-{number}").folder)
    for name in sorted({*RESULTS} - {"folds.csv"}):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    assert len(issues_of(folders[0]))


def test_npz_csv_and_memory_give_the_same_scores(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    names = np.array(CLASSES)[given_labels]
    frame = pd.DataFrame({f"prob:{name}": probs[:, place] for place, name in enumerate(CLASSES)})
    frame.insert(0, "label", names)
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame.to_parquet(tmp_path / "p.parquet")
    np.savez(tmp_path / "p.npz", pred_probs=probs, labels=names, class_names=CLASSES)
    runs = [labelscan.score(tmp_path / f"p.{form}", output=tmp_path / form) for form in ("csv", "parquet", "npz")]
    runs.append(labelscan.score(probs, names, class_names=CLASSES, output=tmp_path / "memory"))
    runs.append(labelscan.score(probs.tolist(), given_labels.tolist(), class_names=CLASSES, output=tmp_path / "lists"))
    assert len({(run.folder / "scores.csv").read_bytes() for run in runs}) == 1


def test_the_run_folder_holds_what_scoring_makes(tmp_path: Path) -> None:
    probs, given_labels, true_labels = problem()
    run = labelscan.score(
        probs,
        given_labels,
        class_names=CLASSES,
        true_labels=true_labels,
        detector="noise-posterior",
        output=tmp_path / "run",
    )
    there = {entry.name for entry in run.folder.iterdir()}
    assert there == {"run.json", "run.lock", *RESULTS} - {"folds.csv"}
    recorded = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert recorded["state"] == "finished"
    assert recorded["results_depend_on"]["command"] == "score"
    assert recorded["data"]["examples"] == 200
    assert read_file(run.folder / "run.json") == {"detection.detector": "noise-posterior"}
    summary = json.loads((run.folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["detector"] == "noise-posterior"
    assert summary["against_truth"]["quality"]["noise-posterior"]["f1"] > 0.6
    scores = pd.read_csv(run.folder / "scores.csv")
    assert set(scores["status"]) == {"scored"}
    assert scores["path"].isna().all()
    assert scores["fold"].isna().all()
    assert "true_label" in scores
    health = [entry["class_name"] for entry in summary["class_health"]]
    assert health == CLASSES  # the order of the columns
    np.testing.assert_array_equal(Evidence.read(run.folder / "evidence.npz").pred_probs, probs)


def test_the_evidence_of_a_run_can_be_scored_again_with_the_same_result(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    first = labelscan.score(probs.astype(np.float32), given_labels, class_names=CLASSES, output=tmp_path / "first")
    again = labelscan.score(first.folder / "evidence.npz", output=tmp_path / "again")
    assert (again.folder / "scores.csv").read_bytes() == (first.folder / "scores.csv").read_bytes()
    assert again.evidence.pred_probs.dtype == np.float32


def test_paths_of_a_table_are_kept(tmp_path: Path) -> None:
    text = "path,label,prob:a,prob:b\nx/2.png,a,0.1,0.9\nx/1.png,b,0.1,0.9\nx/3.png,a,0.9,0.1\n"
    (tmp_path / "probs.csv").write_text(text, encoding="utf-8")
    run = labelscan.score(
        tmp_path / "probs.csv", detector="confident-learning:filter_by=predicted_neq_given", output=tmp_path / "run"
    )
    assert issues_of(run.folder)["example_id"].tolist() == ["x/2.png"]
    assert issues_of(run.folder)["path"].tolist() == [str(tmp_path / "x/2.png")]
    assert issues_of(run.folder)["suggested_label"].tolist() == ["b"]


def test_the_default_folder_is_called_after_file_and_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    probs, given_labels, _ = problem()
    np.savez("made.elsewhere.npz", pred_probs=probs, given_labels=given_labels)
    run = labelscan.score("made.elsewhere.npz")
    fingerprint = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))["data"]["fingerprint"]
    assert run.folder == Path("labelscan-runs") / f"made.elsewhere-{fingerprint[:8]}"
    before = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.name != "run.json"}
    again = labelscan.score("made.elsewhere.npz")
    assert again.folder == run.folder
    assert before == {path.name: path.read_bytes() for path in run.folder.iterdir() if path.name != "run.json"}


def test_another_detector_takes_up_the_same_folder_and_other_data_is_refused(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    labelscan.score(probs, given_labels, output=tmp_path / "run")
    run = labelscan.score(probs, given_labels, detector="noise-posterior", output=tmp_path / "run")
    assert run.summary.detector == "noise-posterior"
    with refuses(RunFolderError, "other-run"):
        labelscan.score(probs[:100], given_labels[:100], output=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["data"]["examples"] == 200


def test_a_class_nobody_is_given_and_labels_of_one_class_are_no_error(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    absent = np.where(given_labels == 3, 0, given_labels)
    run = labelscan.score(probs, absent, detector="confident-learning", output=tmp_path / "absent")
    assert set(issues_of(run.folder)["example_id"]) == cleanlab_flags(probs, absent, "prune_by_noise_rate")
    ones = np.ones(200, dtype=int)
    one = labelscan.score(probs, ones, detector="confident-learning", output=tmp_path / "one")
    assert one.summary.n_flagged == 0


def test_two_examples_are_enough(tmp_path: Path) -> None:
    assert len(labelscan.score([[0.4, 0.6], [0.2, 0.8]], [0, 1], output=tmp_path).issues) == 2


def test_half_precision_is_taken(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    half = probs.astype(np.float16)
    run = labelscan.score(half, given_labels, detector="confident-learning", output=tmp_path)
    assert run.evidence.pred_probs.dtype == np.float32
    assert set(issues_of(run.folder)["example_id"]) == cleanlab_flags(
        half.astype(np.float32), given_labels, "prune_by_noise_rate"
    )


def test_the_caller_receives_steps_and_of_how_a_table_was_read(tmp_path: Path) -> None:
    (tmp_path / "probs.csv").write_text("y,prob:a,prob:b\na,0.1,0.9\nb,0.1,0.9\n", encoding="utf-8")
    received: list[Event] = []
    labelscan.score(tmp_path / "probs.csv", output=tmp_path / "run", notify=received.append)
    assert [event.step for event in received if isinstance(event, StepDone)] == ["read", "detection"]
    assert Noted("columns: label from 'y', probabilities of 2 classes") in received


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"probs": "probs.npz", "given_labels": [0, 1]}, "goes with probabilities in memory only"),
        ({"probs": "probs.npz", "class_names": ["a", "b"]}, "class_names"),
        ({"probs": [[0.5, 0.5], [0.5, 0.5]]}, "need labels"),
        ({"probs": [[0.5, 0.5], [0.5, 0.5]], "given_labels": [0, 1], "label_column": "y"}, "goes with a file only"),
        ({"probs": "nowhere.npz"}, "no such file"),
        ({"probs": "nowhere.npz", "detector": "confident-learnin"}, "confident-learning"),
        ({"probs": [[0.5, 0.5], [0.5, np.nan]], "given_labels": [0, 1]}, "NaN"),
        ({"probs": [[50.0, 50.0], [99.0, 1.0]], "given_labels": [0, 1]}, "per cent"),
        ({"probs": [[0.5, 0.5], [0.5]], "given_labels": [0, 1]}, "rows of different lengths"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_a_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=problem) as caught:
        labelscan.score(**arguments)
    assert caught.value.exit_code == 2
    assert not any(tmp_path.iterdir())


def test_a_folder_of_detect_is_not_written_over(tmp_path: Path) -> None:
    probs, given_labels, _ = problem()
    run = labelscan.score(probs, given_labels, output=tmp_path / "run")
    content = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    content["results_depend_on"] = {"seed": 0}
    (run.folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    with refuses(RunFolderError, "other-run"):
        labelscan.score(probs, given_labels, output=tmp_path / "run")


def test_a_wrong_detector_is_refused_before_the_file_is_read() -> None:
    with pytest.raises(ConfigError):
        labelscan.score("nowhere.npz", detector="confident-learning:filter_by=most")


def test_tensors_are_judged_as_arrays_are(tmp_path):
    import torch

    probs = np.random.default_rng(0).dirichlet(np.ones(3), 30).astype(np.float32)
    labels = np.arange(30) % 3
    runs = [
        labelscan.score(*given, output=tmp_path / name)
        for name, given in {"a": (probs, labels), "b": (torch.from_numpy(probs), torch.from_numpy(labels))}.items()
    ]
    assert (runs[0].folder / "scores.csv").read_bytes() == (runs[1].folder / "scores.csv").read_bytes()


def two_members(seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Return probabilities of two models about the same labels."""
    first, given_labels, true_labels = problem(seed=seed)
    scores = 2 * np.eye(4)[true_labels] + np.random.default_rng(seed + 1).normal(size=first.shape)
    return [first, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)], given_labels


def write_members(folder: Path, probs: list[np.ndarray], given_labels: np.ndarray, **beside: Any) -> list[Path]:
    paths = [folder / f"{name}.npz" for name in "ab"[: len(probs)]]
    for path, each in zip(paths, probs, strict=True):
        np.savez(path, pred_probs=each, given_labels=given_labels, **beside)
    return paths


def test_several_files_are_as_many_members_and_are_pooled(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    paths = write_members(tmp_path, probs, given_labels, class_names=np.array(CLASSES))
    run = labelscan.score(paths, output=tmp_path / "run")
    weights = likeliest_weights(probs, given_labels)
    evidence = Evidence.read(run.folder / "evidence.npz")
    assert [one.name for one in evidence.members] == ["a.npz", "b.npz"]
    np.testing.assert_array_equal([one.weight for one in evidence.members], weights)
    np.testing.assert_array_equal(evidence.pred_probs, geometric_mean(probs, weights, np.float32))
    for one, each in zip(evidence.members, probs, strict=True):
        np.testing.assert_array_equal(one.pred_probs, each.astype(np.float32))
    record = json.loads((run.folder / "run.json").read_text())
    assert record["source"]["file"] == str(paths[0])
    assert record["source"]["further_files"] == [str(paths[1])]
    assert record["opinion_weights"] == dict(zip(["a.npz", "b.npz"], weights.tolist(), strict=True))
    in_memory = labelscan.score(probs, given_labels, class_names=CLASSES, output=tmp_path / "memory")
    assert (in_memory.folder / "scores.csv").read_bytes() == (run.folder / "scores.csv").read_bytes()
    assert [one.name for one in in_memory.evidence.members] == ["opinion 1", "opinion 2"]


def test_apply_reads_the_labels_again_from_the_first_of_several_files(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    paths = write_members(tmp_path, probs, given_labels)
    run = labelscan.score(paths, output=tmp_path / "run")
    paths[1].unlink()
    applied = labelscan.apply(run.folder, drop=True, output=tmp_path / "corrected.npz")
    assert applied.output == tmp_path / "corrected.npz"
    write_members(tmp_path, probs[1:], given_labels)  # in the place of the first
    with refuses(UsageError, "other-data"):
        labelscan.apply(run.folder, drop=True, output=tmp_path / "again.npz")


def test_a_changed_second_file_is_other_data(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    paths = write_members(tmp_path, probs, given_labels)
    labelscan.score(paths, output=tmp_path / "run")
    labelscan.score(paths, output=tmp_path / "run")
    write_members(tmp_path, [probs[0], (probs[0] + probs[1]) / 2], given_labels)
    with refuses(RunFolderError, "other-run"):
        labelscan.score(paths, output=tmp_path / "run")


def test_members_are_matched_by_id_and_their_columns_by_class(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    ids, order, columns = np.array([f"id-{row:03}" for row in range(200)]), np.arange(200)[::-1], [2, 0, 3, 1]
    names = np.array(CLASSES)
    first = {"pred_probs": probs[0], "given_labels": names[given_labels], "class_names": names, "example_ids": ids}
    second = {
        "pred_probs": probs[1][order][:, columns],
        "given_labels": names[given_labels[order]],
        "class_names": names[columns],
        "example_ids": ids[order],
    }
    np.savez(tmp_path / "a.npz", **first)
    np.savez(tmp_path / "b.npz", **second)
    run = labelscan.score([tmp_path / "a.npz", str(tmp_path / "b.npz")], output=tmp_path / "run")
    assert run.evidence.class_names == tuple(CLASSES)
    np.testing.assert_array_equal(run.evidence.members[1].pred_probs, probs[1].astype(np.float32))
    np.testing.assert_array_equal(run.evidence.given_labels, given_labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"given_labels": [0, 1, 2, 2]}, r"b\.npz index 3: the label is 'cat' here and 'bee' at a\.npz index 3"),
        ({"class_names": ["owl", "ant", "cat", "fly"]}, r"b\.npz: other classes than in a\.npz.*'bee', 'fly'"),
        (
            {"example_ids": ["a", "b", "c", "e"]},
            r"other examples than in a\.npz: only a\.npz has 'd'; only b",
        ),
        ({"example_ids": [0, 1, 2, 3]}, r"only a\.npz has 'a'; only b\.npz has '0'"),
    ],
)
def test_members_about_something_else_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    probs, _ = two_members()
    first = {"pred_probs": probs[0][:4], "given_labels": [0, 1, 2, 3], "class_names": CLASSES, "example_ids": [*"abcd"]}
    np.savez(tmp_path / "a.npz", **first)
    np.savez(tmp_path / "b.npz", **{**first, **change})
    with pytest.raises(UsageError, match=message):
        labelscan.score([tmp_path / "a.npz", tmp_path / "b.npz"], output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_lists_that_are_no_members_are_refused(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    (path,) = write_members(tmp_path, probs[:1], given_labels)
    for several, message in (
        ([], "no probabilities are given"),
        ([path, path], "given twice"),
        ([path, shutil.copy(path, tmp_path / "copy.npz")], "copy.npz: has the same probabilities as"),
        ([probs[0], probs[1], probs[0].copy()], "opinion 3: has the same probabilities as opinion 1"),
        ([path, probs[0]], "files and arrays are mixed"),
        ([probs[0], probs[1][:9]], "opinion 2: given_labels have shape"),
    ):
        in_memory = bool(several) and not isinstance(several[0], Path)
        with pytest.raises(UsageError, match=message):
            labelscan.score(several, given_labels if in_memory else None, output=tmp_path / "run")


def test_the_evidence_of_a_table_is_judged_as_in_its_run(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    images = labelscan.score(probs, given_labels, output=tmp_path / "images").evidence
    table = replace(images, from_columns=True)
    table.write(tmp_path / "evidence.npz")
    again = labelscan.score(tmp_path / "evidence.npz", output=tmp_path / "again")
    assert again.summary.wrong_labels.source == "one opinion"
    judged = NoisePosterior().detect(replace(table, members=()))
    assert again.summary.wrong_labels.estimate == pytest.approx(judged.wrong_labels.estimate)
    np.savez(tmp_path / "other.npz", pred_probs=probs[0], given_labels=given_labels, class_names=images.class_names)
    for number, files in enumerate((["evidence.npz", "other.npz"], ["other.npz", "evidence.npz"])):
        both = labelscan.score([tmp_path / file for file in files], output=tmp_path / str(number))
        assert both.evidence.from_columns
    images.write(tmp_path / "evidence.npz")
    with refuses(RunFolderError, "other-run"):
        labelscan.score(tmp_path / "evidence.npz", output=tmp_path / "again")


def test_rows_in_lists_are_one_member(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    run = labelscan.score(probs[0].tolist(), given_labels, output=tmp_path / "run")
    assert run.evidence.members == ()
    both = labelscan.score([each.tolist() for each in probs], given_labels, output=tmp_path / "both")
    assert len(both.evidence.members) == 2


def test_the_evidence_of_a_run_with_several_models_is_judged_by_its_pool_with_a_note(tmp_path: Path) -> None:
    probs, given_labels = two_members()
    run = labelscan.score(probs, given_labels, output=tmp_path / "run")
    events: list[Event] = []
    again = labelscan.score(run.folder / "evidence.npz", output=tmp_path / "again", notify=events.append)
    assert any("opinion_probs are left out" in event.message for event in events if isinstance(event, Noted))
    np.testing.assert_array_equal(again.evidence.pred_probs, run.evidence.pred_probs)
