"""A run that is cut off keeps its finished folds, starts the others over, and ends with the bytes of one that was not.

A fold has no checkpoints: what is trained of an unfinished one is lost.
"""

import json
import multiprocessing
import os
import signal

import pytest
from tiny_detect import N_EPOCHS, N_FOLDS, Recorder, contents, quick

import labelscan
from labelscan.events import EpochDone, FoldDone, StepStarted, Warned

MOMENTS = {
    "while images are decoded": (lambda event: isinstance(event, StepStarted) and event.step == "decode", []),
    "in the first fold": (lambda event: at_epoch(event, fold=0, epoch=2), []),
    "after one epoch of the second fold": (lambda event: at_epoch(event, fold=1, epoch=1), [0]),
    "after all epochs of the last fold": (lambda event: at_epoch(event, fold=2, epoch=N_EPOCHS), [0, 1]),
    "when all folds are finished": (lambda event: isinstance(event, FoldDone) and event.fold == 2, [0, 1, 2]),
}
"""When a run is cut off, and the folds that are finished then."""
KILLED = ("in the first fold", "after one epoch of the second fold", "when all folds are finished")
"""Those at which a process is killed too, which takes longer to try."""


def at_epoch(event, *, fold, epoch):
    return isinstance(event, EpochDone) and (event.fold, event.epoch) == (fold, epoch)


def cut_off(moment, end):
    """Return a listener that calls ``end`` at a moment."""
    is_now, _ = MOMENTS[moment]

    def listen(event):
        if is_now(event):
            end()

    return listen


def interrupt():
    raise KeyboardInterrupt


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed(shapes, folder, moment):
    images, _, given = shapes
    labelscan.detect(images, given, settings=quick(), output=folder, notify=cut_off(moment, kill))


def check_that_it_resumes(shapes, folder, moment, finished):
    images, _, given = shapes
    heard = Recorder()
    labelscan.detect(images, given, settings=quick(), output=folder, resume=True, notify=heard)
    _, kept = MOMENTS[moment]
    assert heard.reused() == kept
    restarted = [fold for fold in range(N_FOLDS) if fold not in kept]
    assert heard.epochs() == [(fold, epoch) for fold in restarted for epoch in range(1, N_EPOCHS + 1)]
    decodes = "decode" in [event.step for event in heard.of(StepStarted)]
    assert decodes == (moment == "while images are decoded")  # later they are there, or no longer needed
    assert contents(folder) == contents(finished.folder)
    assert json.loads((folder / "run.json").read_text())["state"] == "finished"


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_run_keeps_finished_folds_and_starts_the_others_over(shapes, finished, tmp_path, moment):
    images, _, given = shapes
    with pytest.raises(KeyboardInterrupt):
        labelscan.detect(images, given, settings=quick(), output=tmp_path / "run", notify=cut_off(moment, interrupt))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "interrupted"
    check_that_it_resumes(shapes, tmp_path / "run", moment, finished)


@pytest.fixture(scope="module")
def processes():
    """Return a context whose processes need not import labelscan: one that has done so is forked."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs processes that can be forked and killed")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["labelscan.api", "labelscan.pipeline.detect", "labelscan.training.models"])
    return context


@pytest.mark.parametrize("moment", KILLED)
def test_a_killed_run_keeps_finished_folds_and_starts_the_others_over(shapes, finished, tmp_path, moment, processes):
    process = processes.Process(target=be_killed, args=(shapes, tmp_path / "run", moment))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "running"
    check_that_it_resumes(shapes, tmp_path / "run", moment, finished)


def test_a_run_may_be_interrupted_twice(shapes, finished, tmp_path):
    images, _, given = shapes
    moment = "after one epoch of the second fold"
    with pytest.raises(KeyboardInterrupt):
        labelscan.detect(images, given, settings=quick(), output=tmp_path / "run", notify=cut_off(moment, interrupt))
    with pytest.raises(labelscan.Interrupted) as stopped:
        labelscan.detect(images, given, settings=quick(), output=tmp_path / "run", max_seconds=0)
    assert stopped.value.exit_code == 130
    check_that_it_resumes(shapes, tmp_path / "run", moment, finished)


def test_the_same_command_again_reuses_all_folds_and_changes_no_byte(shapes, finished, run_folder):
    images, _, given = shapes
    before, record = contents(run_folder), json.loads((run_folder / "run.json").read_text())
    heard = Recorder()
    labelscan.detect(images, given, settings=quick(), output=run_folder, notify=heard)
    assert not heard.epochs()
    assert heard.reused() == [0, 1, 2]
    again = json.loads((run_folder / "run.json").read_text())
    assert [again[key] for key in ("started", "ended")] == [record[key] for key in ("started", "ended")]
    assert again["timings"]["total"] == record["timings"]["total"]
    assert contents(run_folder) == before


def test_only_a_missing_fold_is_trained_again_and_ends_with_the_same_bytes(shapes, run_folder):
    images, _, given = shapes
    before, record = contents(run_folder), json.loads((run_folder / "run.json").read_text())
    (run_folder / "fold-0-1" / "DONE").unlink()
    heard = Recorder()
    labelscan.detect(images, given, settings=quick(), output=run_folder, notify=heard)
    assert {fold for fold, _ in heard.epochs()} == {1}
    assert contents(run_folder) == before
    more = json.loads((run_folder / "run.json").read_text())
    assert more["timings"]["total"] > record["timings"]["total"]
    assert (more["started"], more["ended"] > record["ended"]) == (record["started"], True)


def test_a_loss_with_a_memory_ends_with_the_same_bytes_too(shapes, tmp_path):
    images, _, given = shapes
    settings = quick(**{"training.loss": "elr"})
    run = labelscan.detect(images, given, settings=settings, output=tmp_path / "run")
    before = contents(run.folder)
    (run.folder / "fold-0-1" / "DONE").unlink()
    heard = Recorder()
    labelscan.detect(images, given, settings=settings, output=run.folder, notify=heard)
    assert {fold for fold, _ in heard.epochs()} == {1}
    assert contents(run.folder) == before


def test_folds_side_by_side_give_the_same_bytes_as_one_after_another(shapes, finished, tmp_path):
    images, _, given = shapes
    labelscan.detect(images, given, settings=quick(**{"executor.processes": 2}), output=tmp_path / "run")
    assert contents(tmp_path / "run") == contents(finished.folder)


def test_what_a_killed_fold_left_is_never_read_as_news_of_the_next_attempt(shapes, tmp_path):
    images, _, given = shapes
    for fold in range(N_FOLDS):
        (tmp_path / "run" / f"fold-0-{fold}").mkdir(parents=True)
        (tmp_path / "run" / f"fold-0-{fold}" / "epochs.jsonl").write_text('{"cut off\n' * 5)
    heard = Recorder()
    settings = quick(**{"executor.processes": 2})
    labelscan.detect(images, given, settings=settings, output=tmp_path / "run", notify=heard)
    assert len(heard.epochs()) == N_FOLDS * N_EPOCHS


def test_a_detector_is_changed_without_training_again(shapes, run_folder):
    images, _, given = shapes
    heard = Recorder()
    settings = quick(**{"detection.detector": "confident-learning"})
    run = labelscan.detect(images, given, settings=settings, output=run_folder, notify=heard)
    assert not heard.epochs()
    assert run.summary.detector == "confident-learning"


def test_other_settings_or_data_are_refused_by_name_and_fresh_starts_over(shapes, run_folder):
    images, true_labels, given = shapes
    with pytest.raises(labelscan.RunFolderError, match=r"training\.epochs was 6 and is 7"):
        labelscan.detect(images, given, settings=quick(**{"training.epochs": 7}), output=run_folder)
    with pytest.raises(labelscan.RunFolderError, match="data has changed"):
        labelscan.detect(images, true_labels, settings=quick(), output=run_folder)
    with pytest.raises(labelscan.RunFolderError, match="examples was 180 and is 150"):
        labelscan.detect(images[:150], given[:150], settings=quick(), output=run_folder)
    heard = Recorder()
    labelscan.detect(images, true_labels, settings=quick(), output=run_folder, fresh=True, notify=heard)
    assert len(heard.epochs()) == N_FOLDS * N_EPOCHS


def test_folds_made_with_other_threads_are_trained_again_and_that_is_said(shapes, run_folder):
    images, _, given = shapes
    heard = Recorder()
    settings = quick(**{"executor.threads": 0})
    labelscan.detect(images, given, settings=settings, output=run_folder, notify=heard)
    assert not heard.epochs()  # by default as many as the run began with
    settings = quick(**{"executor.threads": 2})
    labelscan.detect(images, given, settings=settings, output=run_folder, notify=heard)
    assert len(heard.epochs()) == N_FOLDS * N_EPOCHS
    assert any("threads was 1 and is 2" in warning.message for warning in heard.of(Warned))
