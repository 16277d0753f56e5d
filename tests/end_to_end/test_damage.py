"""Nothing damaged is used: one byte of a file of a run is flipped, and the same command ends with the same results."""

import shutil
from dataclasses import replace

import pytest
from refusals import refuses
from tiny_detect import Recorder, contents

import labelscan
from labelscan.errors import Interrupted, RunFolderError
from labelscan.events import EpochDone, FoldDone, Warned
from labelscan.runs.record import RunRecord
from labelscan.training import checkpoint

NO_CACHE = {"cache.folder": "none"}
PLACES = (0.02, 0.35, 0.6, 0.97)
"""Where a byte is flipped, as shares of the file."""


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    path.write_bytes(content)


@pytest.fixture(scope="module")
def interrupted(detect, tmp_path_factory):
    """Return a run with a finished fold, and another that has a checkpoint."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"

    def stop(event):
        if isinstance(event, EpochDone) and (event.fold, event.epoch) == (1, 3):
            raise Interrupted("interrupted", "by the test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "LARGEST_SHARE", float("inf"))
        with pytest.raises(Interrupted):
            detect(folder, NO_CACHE, notify=stop)
    return folder


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fold-0-1/checkpoint.pt", "its checkpoint is damaged"),
        ("store/images.npy", "images.npy has changed since it was written"),
        ("store/images.npz", ""),
        ("fold-0-0/output.npz", "finished folds are trained again: what they predicted has changed"),
        ("fold-0-0/DONE", ""),
    ],
)
def test_a_flipped_byte_of_an_interrupted_run_changes_no_result(
    detect, interrupted, finished, tmp_path, name, said, place
):
    shutil.copytree(interrupted, tmp_path / "run")
    flip(tmp_path / "run" / name, place)
    received = Recorder()
    detect(tmp_path / "run", NO_CACHE, notify=received)
    assert not said or any(said in event.message for event in received.of(Warned))
    assert contents(tmp_path / "run") == contents(finished.folder)


def test_evidence_of_other_folds_is_not_taken_for_that_of_these(detect, finished, run_folder):
    record = RunRecord.read(run_folder)
    replace(record, evidence_of="the fingerprint of others").write(run_folder)
    received = Recorder()
    detect(run_folder, notify=received)
    assert [event.reused for event in received.of(FoldDone)] == [False] * 3
    assert contents(run_folder) == contents(finished.folder)


@pytest.mark.parametrize("place", PLACES)
def test_a_flipped_byte_of_the_evidence_is_made_again_by_the_command_that_made_it(detect, finished, run_folder, place):
    flip(run_folder / "evidence.npz", place)
    received = Recorder()
    detect(run_folder, notify=received)
    assert any("evidence.npz has changed" in event.message for event in received.of(Warned))
    assert contents(run_folder) == contents(finished.folder)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("scores.csv", lambda folder: labelscan.gate(folder, max_rate=0.5)),
        ("summary.json", lambda folder: labelscan.gate(folder, max_rate=0.5)),
        ("log_odds.npz", labelscan.report),
        ("measure.csv", labelscan.report),
    ],
)
def test_a_flipped_byte_of_a_result_is_refused_where_it_would_be_used(finished, run_folder, name, use):
    for place in PLACES:
        shutil.copyfile(finished.folder / name, run_folder / name)
        flip(run_folder / name, place)
        with refuses(RunFolderError, "damaged", name) as error:
            use(run_folder)
        assert "has changed since the run wrote it" in str(error.value), "what its reader says comes later"
