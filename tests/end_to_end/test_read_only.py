"""A finished run in a folder that can only be read: shown as it is, and nothing else is made up about it."""

import shutil

import pytest
from refusals import refuses
from tiny_detect import contents

import labelscan
from labelscan.errors import RunFolderError


@pytest.fixture
def folder(finished, tmp_path, monkeypatch):
    """Return a run whose folder cannot be written, though its lock can."""
    shutil.copytree(finished.folder, tmp_path / "run")
    can_write = labelscan.runs.opening.os.access
    refused = lambda path, mode: path != tmp_path / "run" and can_write(path, mode)  # noqa: E731
    monkeypatch.setattr("labelscan.runs.opening.os.access", refused)
    return tmp_path / "run"


def test_it_is_shown_by_the_command_that_made_it(detect, finished, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    run = detect(folder)
    assert run.issues.scores.equals(finished.issues.scores)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_it_is_not_judged_in_another_way(detect, folder):
    with refuses(RunFolderError, "not-a-run-folder"):
        detect(folder, {"detection.detector": "confident-learning"})
    with refuses(RunFolderError, "read-only-run"):
        detect(folder, decisions=[labelscan.Decision(example_id="0", verdict="keep")])


def test_damaged_evidence_is_said_and_nothing_is_trained(detect, folder):
    (folder / "evidence.npz").write_bytes(b"damaged")
    with refuses(RunFolderError, "read-only-run"):
        detect(folder)
    assert contents(folder, "evidence.npz") == {"evidence.npz": b"damaged"}
