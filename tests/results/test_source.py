"""The data of a finished run, found again."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image
from refusals import refuses

import labelscan
from labelscan.errors import DatasetError
from labelscan.results.run import FinishedRun
from labelscan.results.source import find_source, read_again


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Make a finished run on twelve rows of a table that it was given by a relative path."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{number},{number % 2},{'ab'[number % 2]}" for number in range(12)]
    (tmp_path / "flowers.csv").write_text("\n".join(["petal,sepal,label", *rows]) + "\n")
    labelscan.detect(settings=labelscan.settings("flowers.csv", epochs=1, folds=2), output="run")
    return FinishedRun.read(tmp_path / "run")


def test_the_data_is_found_from_another_folder(run, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_again(run).class_names == ("a", "b")


def test_a_folder_may_be_called_as_a_data_set_that_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, level in (("dark", 40), ("light", 200)):
        (tmp_path / "demo" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(np.full((8, 8), level + number, np.uint8)).save(tmp_path / "demo" / name / f"{number}.png")
    labelscan.detect(settings=labelscan.settings("demo", epochs=1, folds=2, model="linear"), output="run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    source = find_source(FinishedRun.read(tmp_path / "run"))
    assert source.class_folders == tmp_path / "demo"
    assert len(source.dataset) == 12


def test_data_that_was_moved_is_found_where_it_is_said_to_be_but_not_where_it_has_changed(run, tmp_path):
    moved = (tmp_path / "flowers.csv").rename(tmp_path / "moved.csv")
    with refuses(DatasetError, "no-file"):
        read_again(run)
    assert len(read_again(run, data=str(moved))) == 12
    moved.write_text(moved.read_text().replace("0,0,a", "0,0,b"))
    with refuses(DatasetError, "other-data"):
        read_again(run, data=str(moved))


def test_probabilities_that_were_moved_are_found_too_but_not_data_in_memory(tmp_path):
    np.savez(tmp_path / "probs.npz", pred_probs=[[0.9, 0.1], [0.1, 0.9]] * 5, given_labels=[0, 1] * 5)
    labelscan.score(tmp_path / "probs.npz", output=tmp_path / "run")
    (tmp_path / "probs.npz").rename(tmp_path / "moved.npz")
    run = FinishedRun.read(tmp_path / "run")
    with refuses(DatasetError, "no-file"):
        find_source(run)
    assert len(find_source(run, data=str(tmp_path / "moved.npz")).dataset) == 10
    labelscan.score([[0.9, 0.1], [0.1, 0.9]] * 5, [0, 1] * 5, output=tmp_path / "memory")
    with refuses(DatasetError, "unknown-source"):
        read_again(FinishedRun.read(tmp_path / "memory"))


def test_a_run_with_planted_labels_is_not_about_the_data(run):
    planted = dataclasses.replace(run, record=dataclasses.replace(run.record, planted=True))
    for find in (read_again, find_source):
        with refuses(DatasetError, "planted-labels"):
            find(planted)


def test_a_set_that_was_fetched_is_never_fetched_again(run, monkeypatch):
    record = json.loads((run.folder / "run.json").read_text())
    record["settings"]["dataset"] |= {"data": "torchvision:MNIST", "download": True, "root": "nowhere"}
    (run.folder / "run.json").write_text(json.dumps(record))
    asked = []
    monkeypatch.setattr("labelscan.data.readers.read", lambda config, notify: asked.append(config.download) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read_again(FinishedRun.read(run.folder))
    assert asked == [False]
