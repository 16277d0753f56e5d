"""Nothing damaged is used: one byte of a file of a run is flipped, and the same command ends with the same results."""

import shutil

import pytest
from tiny_detect import contents, quick

import labelscan
from labelscan.errors import Interrupted, RunFolderError
from labelscan.events import EpochDone, Warned
from labelscan.training import checkpoint

SETTINGS = quick(**{"cache.folder": "none"})
PLACES = (0.02, 0.35, 0.6, 0.97)
"""Where a byte is flipped, as shares of the file."""


def detect(shapes, folder, notify=lambda event: None):
    images, _, given = shapes
    return labelscan.detect(images, given, settings=SETTINGS, output=folder, notify=notify)


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    path.write_bytes(content)


@pytest.fixture(scope="module")
def whole(shapes, tmp_path_factory):
    return contents(detect(shapes, tmp_path_factory.mktemp("whole") / "run").folder)


@pytest.fixture(scope="module")
def interrupted(shapes, tmp_path_factory):
    """Return a run with a finished fold, and another that has a checkpoint."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    patch = pytest.MonkeyPatch()
    patch.setattr(checkpoint, "LARGEST_SHARE", float("inf"))

    def stop(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 3):
            raise Interrupted("interrupted", "by the test")

    with pytest.raises(Interrupted):
        detect(shapes, folder, stop)
    patch.undo()
    return folder


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fold-0-1/checkpoint.pt", "its checkpoint is damaged"),
        ("store/images.npy", "images.npy has changed since it was written"),
        ("fold-0-0/output.npz", "finished folds are trained again: what they predicted has changed"),
    ],
)
def test_a_flipped_byte_of_an_interrupted_run_changes_no_result(
    shapes, interrupted, whole, tmp_path, name, said, place
):
    shutil.copytree(interrupted, tmp_path / "run")
    flip(tmp_path / "run" / name, place)
    received = []
    run = detect(shapes, tmp_path / "run", received.append)
    assert any(said in event.message for event in received if isinstance(event, Warned))
    assert contents(run.folder) == whole


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["fold-0-0/DONE", "store/images.npz"])
def test_a_flipped_byte_of_what_is_known_of_a_file_changes_no_result(shapes, interrupted, whole, tmp_path, name, place):
    shutil.copytree(interrupted, tmp_path / "run")
    flip(tmp_path / "run" / name, place)
    assert contents(detect(shapes, tmp_path / "run").folder) == whole


@pytest.mark.parametrize("place", PLACES)
def test_a_flipped_byte_of_the_evidence_is_made_again_by_the_command_that_made_it(shapes, whole, tmp_path, place):
    run = detect(shapes, tmp_path / "run")
    flip(run.folder / "evidence.npz", place)
    received = []
    again = detect(shapes, tmp_path / "run", received.append)
    assert any("evidence.npz has changed" in event.message for event in received if isinstance(event, Warned))
    assert contents(again.folder) == whole


@pytest.mark.parametrize("name", ["scores.csv", "summary.json"])
def test_a_flipped_byte_of_a_table_is_refused_where_it_would_be_used(shapes, finished, tmp_path, name):
    for place in PLACES:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(finished.folder, tmp_path / "run")
        flip(tmp_path / "run" / name, place)
        with pytest.raises(RunFolderError, match=f"{name} has changed since the run wrote it"):
            labelscan.gate(tmp_path / "run", max_rate=0.5)


@pytest.mark.parametrize("name", ["log_odds.npz", "measure.csv"])
def test_a_flipped_byte_of_what_measures_is_refused(finished, tmp_path, name):
    shutil.copytree(finished.folder, tmp_path / "run")
    flip(tmp_path / "run" / name, 0.6)
    with pytest.raises(RunFolderError, match=f"{name} has changed since the run wrote it"):
        labelscan.report(tmp_path / "run")
