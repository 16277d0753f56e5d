import sys

import judges
import numpy as np
import pytest

import labelscan


@pytest.fixture
def arrays():
    """Make probabilities of 60 examples, every tenth with a wrong label, that are sure of the true ones."""
    true_labels = np.arange(60) % 3
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(60, 3)) + 6 * np.eye(3)[true_labels]
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    given_labels = np.where(np.arange(60) % 10 == 0, (true_labels + 1) % 3, true_labels)
    return {"pred_probs": probs, "given_labels": given_labels, "true_labels": true_labels}


def printed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["judges.py", *map(str, arguments)])
    judges.main()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines()]


def test_the_table_has_a_row_for_each_cut_and_a_column_for_each_folder(arrays, tmp_path, monkeypatch, capsys):
    (tmp_path / "plain").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "plain" / f"{name}.npy", array)
    right = np.where(np.arange(60) < 30, arrays["given_labels"], arrays["true_labels"])
    np.savez(tmp_path / "half.npz", **{**arrays, "true_labels": right})
    probs, given_labels, true_labels = arrays.values()
    labelscan.score(probs, given_labels, true_labels=true_labels, output=tmp_path / "run")
    rows = printed(monkeypatch, capsys, *(tmp_path / name for name in ("plain", "half.npz", "run")))
    assert rows[0] == ["F1 / AP", "plain", "half", "run", "mean"]
    assert [row[0] for row in rows[2:]] == list(judges.CUTS)
    cells = {row[0]: row[1:] for row in rows}
    # predicted_neq_given flags the six wrong labels and no other; only three of them count as wrong in the second.
    found = cells["confident-learning:filter_by=predicted_neq_given"]
    assert [cell.partition(" /")[0] for cell in found] == ["1.000", "0.667", "1.000", "0.889"]
    assert all(row[1] == row[3] for row in rows[2:])


def test_judges_can_be_chosen(arrays, tmp_path, monkeypatch, capsys):
    np.savez(tmp_path / "one.npz", **arrays)
    rows = printed(monkeypatch, capsys, tmp_path / "one.npz", "--judges", "noise-posterior:kappa=1")
    assert rows[0] == ["F1 / AP", "one"]
    assert [row[0] for row in rows[2:]] == ["noise-posterior:kappa=1"]


@pytest.mark.parametrize("leave_out", judges.ARRAYS)
def test_a_folder_without_what_is_needed_is_named(arrays, tmp_path, monkeypatch, capsys, leave_out):
    for name, array in arrays.items():
        if name != leave_out:
            np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(SystemExit) as stopped:
        printed(monkeypatch, capsys, tmp_path)
    assert stopped.value.code == 2
    assert f"{tmp_path}" in capsys.readouterr().err


def test_a_run_without_true_labels_is_refused(arrays, tmp_path, monkeypatch, capsys):
    labelscan.score(arrays["pred_probs"], arrays["given_labels"], output=tmp_path / "run")
    with pytest.raises(SystemExit):
        printed(monkeypatch, capsys, tmp_path / "run")
    assert "no true labels" in capsys.readouterr().err


def test_quality_judges_by_detectors_that_exist():
    for judge in (*judges.JUDGES, *judges.CUTS):
        judges.DETECTORS.build(judge)
