"""A run that is cut off keeps finished folds, goes on within the others, and ends with the bytes of another."""

import dataclasses
import json
import math
import os
import signal
from itertools import cycle

import numpy as np
import pytest
from refusals import refuses
from tiny_detect import N_EPOCHS, N_FOLDS, Recorder, contents, quick

import labelscan
from labelscan.detection.evidence import Evidence
from labelscan.events import EpochDone, FoldDone, Noted, StepStarted, Warned, ignore
from labelscan.images.store import Store
from labelscan.processes.interruption import SIGNALS, prepare_signals
from labelscan.training import checkpoint

MOMENTS = {
    "while images are decoded": (lambda event: isinstance(event, StepStarted) and event.step == "decode", [], 0),
    "in the first fold": (lambda event: at_epoch(event, fold=0, epoch=2), [], 2),
    "after one epoch of the second fold": (lambda event: at_epoch(event, fold=1, epoch=1), [0], 1),
    "after all epochs of the last fold": (lambda event: at_epoch(event, fold=2, epoch=N_EPOCHS), [0, 1], N_EPOCHS),
    "when all folds are finished": (lambda event: isinstance(event, FoldDone) and event.fold == 2, [0, 1, 2], 0),
}
"""When a run is cut off, the folds that are finished then, and how many epochs of the next one have ended."""
KILLED = ("in the first fold", "after one epoch of the second fold", "when all folds are finished")
"""Those at which a process is killed too, which takes longer to try."""


@pytest.fixture(autouse=True)
def checkpoints_of_every_epoch(monkeypatch):
    """These epochs are over before it would pay to keep them."""
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", math.inf)


def at_epoch(event, *, fold, epoch):
    return isinstance(event, EpochDone) and (event.fold, event.epoch) == (fold, epoch)


def cut_off(moment, end, notify=ignore):
    """Return a listener that passes events on, and calls ``end`` at a moment."""
    is_now = MOMENTS[moment][0]

    def listen(event):
        notify(event)
        if is_now(event):
            end()

    return listen


def run_until(detect, folder, moment, end, changes=None):
    """Run until a moment, at which ``end`` stops the run."""
    with pytest.raises((KeyboardInterrupt, labelscan.Interrupted)):
        detect(folder, changes, notify=cut_off(moment, end))


def interrupt():
    raise labelscan.Interrupted("interrupted", "by the test")


def send(number):
    os.kill(os.getpid(), number)


def be_killed(shapes, folder, moment):
    images, _, given = shapes
    checkpoint.LARGEST_SHARE = math.inf
    listener = cut_off(moment, lambda: send(signal.SIGKILL))
    labelscan.detect(images, given, settings=quick(), output=folder, notify=listener)


def check_that_it_resumes(detect, folder, moment, finished, *, lost_epochs=0):
    received = Recorder()
    detect(folder, resume=True, notify=received)
    _, kept, n_epochs = MOMENTS[moment]
    assert received.reused() == kept
    todo = [fold for fold in range(N_FOLDS) if fold not in kept]
    first = dict.fromkeys(todo, 1) | {fold: n_epochs - lost_epochs + 1 for fold in todo[:1] if n_epochs}
    assert received.epochs() == [(fold, epoch) for fold in todo for epoch in range(first[fold], N_EPOCHS + 1)]
    decodes = "decode" in [event.step for event in received.of(StepStarted)]
    assert decodes == (moment == "while images are decoded")  # later they are there, or no longer needed
    assert contents(folder) == contents(finished.folder)
    assert json.loads((folder / "run.json").read_text())["state"] == "finished"
    assert not list(folder.glob("fold-*/checkpoint.pt"))


@pytest.fixture
def signals(handlers):
    """Treat signals as the command line does."""
    prepare_signals()


@pytest.mark.parametrize(("moment", "number"), list(zip(MOMENTS, cycle(SIGNALS), strict=False)))
def test_an_interrupted_run_keeps_all_that_is_done(detect, finished, tmp_path, moment, number, signals):
    run_until(detect, tmp_path / "run", moment, lambda: send(number))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "interrupted"
    check_that_it_resumes(detect, tmp_path / "run", moment, finished)


def test_folds_side_by_side_are_interrupted_and_resumed_too(detect, finished, tmp_path, signals):
    changes = {"executor.processes": 2}
    run_until(detect, tmp_path / "run", "after one epoch of the second fold", lambda: send(signal.SIGTERM), changes)
    received = Recorder()
    detect(tmp_path / "run", changes, resume=True, notify=received)
    assert (1, 1) not in received.epochs()
    assert contents(tmp_path / "run") == contents(finished.folder)


def test_folds_side_by_side_give_the_same_bytes_and_never_the_news_of_an_attempt_before(detect, finished, tmp_path):
    for fold in range(N_FOLDS):
        (tmp_path / "run" / f"fold-0-{fold}").mkdir(parents=True)
        (tmp_path / "run" / f"fold-0-{fold}" / "log.jsonl").write_text('{"cut off\n' * 5)
    received = Recorder()
    detect(tmp_path / "run", {"executor.processes": 2}, notify=received)
    assert len(received.epochs()) == N_FOLDS * N_EPOCHS
    assert contents(tmp_path / "run") == contents(finished.folder)


def test_a_signal_while_images_are_compared_with_those_of_the_run_stops_it_at_once(
    detect, finished, tmp_path, signals, monkeypatch
):
    moment, survived = "after one epoch of the second fold", []
    run_until(detect, tmp_path / "run", moment, lambda: send(signal.SIGTERM))
    with monkeypatch.context() as patch:
        patch.setattr(Store, "changed", lambda *_: survived.append(send(signal.SIGTERM)))
        with pytest.raises(KeyboardInterrupt):
            detect(tmp_path / "run")
    assert not survived
    check_that_it_resumes(detect, tmp_path / "run", moment, finished)


def test_a_second_ctrl_c_stops_at_once_and_loses_what_is_not_kept(detect, finished, tmp_path, signals, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", 1e-9)  # nothing is kept unless a run shuts down gracefully
    moment = "in the first fold"
    run_until(detect, tmp_path / "run", moment, lambda: (send(signal.SIGINT), send(signal.SIGINT)))
    check_that_it_resumes(detect, tmp_path / "run", moment, finished, lost_epochs=2)


@pytest.mark.parametrize(
    ("setting", "n_others"),
    [({"detection.detector": "aum"}, 2), ({"detection.self_check": 0.1}, N_FOLDS)],
    ids=["threshold runs of aum", "folds of the self-check"],
)
def test_trainings_after_the_folds_go_on_where_they_were_too(detect, tmp_path, signals, setting, n_others):
    n_epochs = 4
    received, again = Recorder(), Recorder()
    changes = setting | {"training.epochs": n_epochs}

    def listen(event):
        received(event)
        if isinstance(event, EpochDone) and len(received.epochs()) == N_FOLDS * n_epochs + 2:
            send(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        detect(tmp_path / "run", changes, notify=listen)
    detect(tmp_path / "run", changes, notify=again)
    assert len(received.epochs()) + len(again.epochs()) == (N_FOLDS + n_others) * n_epochs
    assert contents(tmp_path / "run") == contents(detect(tmp_path / "whole", changes).folder)


@pytest.mark.parametrize("moment", KILLED)
def test_a_killed_run_loses_one_epoch_of_a_fold_at_most(shapes, detect, finished, tmp_path, moment, processes):
    process = processes.Process(target=be_killed, args=(shapes, tmp_path / "run", moment))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "running"
    # It is killed when it reports an epoch, which is before that one is kept.
    check_that_it_resumes(detect, tmp_path / "run", moment, finished, lost_epochs=1)


def test_the_seconds_of_a_training_are_those_of_all_processes(detect, tmp_path):
    run_until(detect, tmp_path / "run", "after one epoch of the second fold", interrupt)
    record, state = tmp_path / "run" / "run.json", tmp_path / "run" / "fold-0-1" / "checkpoint.pt"
    so_far = json.loads(record.read_text())["timings"]["training"]
    content = checkpoint._unpacked(state.read_bytes())
    assert 0 < content["seconds"] < so_far
    state.write_bytes(checkpoint._packed(content | {"seconds": 1000.0}))  # as if it had been longer
    record.write_text(record.read_text().replace(f'"training": {so_far}', '"training": 2000.0'))
    received = Recorder()
    detect(tmp_path / "run", notify=received)
    (seconds,) = (event.seconds for event in received.of(FoldDone) if event.fold == 1)
    assert seconds > 1000
    assert json.loads((tmp_path / "run" / "fold-0-1" / "DONE").read_text())["seconds"] == pytest.approx(seconds, 1e-5)
    assert 2000 < json.loads(record.read_text())["timings"]["training"] < 2900


def test_a_run_may_be_interrupted_twice(detect, finished, tmp_path):
    moment = "after one epoch of the second fold"
    run_until(detect, tmp_path / "run", moment, interrupt)
    with pytest.raises(labelscan.Interrupted) as stopped:
        detect(tmp_path / "run", max_seconds=0)
    assert stopped.value.exit_code == 130
    check_that_it_resumes(detect, tmp_path / "run", moment, finished)


def test_the_same_command_again_reuses_all_folds_and_changes_no_byte(detect, finished, run_folder):
    before, record = contents(run_folder), json.loads((run_folder / "run.json").read_text())
    received = Recorder()
    detect(run_folder, notify=received)
    assert not received.epochs()
    assert received.reused() == [0, 1, 2]
    again = json.loads((run_folder / "run.json").read_text())
    assert [again[key] for key in ("started", "ended")] == [record[key] for key in ("started", "ended")]
    assert again["timings"]["total"] == record["timings"]["total"]
    assert contents(run_folder) == before


def test_only_a_missing_fold_is_trained_again_and_ends_with_the_same_bytes_by_a_loss_with_a_memory_too(
    detect, tmp_path
):
    changes = {"training.loss": "elr"}
    run_until(detect, tmp_path / "run", "when all folds are finished", interrupt, changes)
    (tmp_path / "run" / "fold-0-1" / "DONE").unlink()
    received = Recorder()
    detect(tmp_path / "run", changes, notify=received)
    assert {fold for fold, _ in received.epochs()} == {1}
    assert contents(tmp_path / "run") == contents(detect(tmp_path / "whole", changes).folder)


def test_a_finished_run_keeps_what_folds_predicted_in_its_evidence_alone(finished):
    assert len(list(finished.folder.glob("fold-*/DONE"))) == N_FOLDS
    assert not list(finished.folder.glob("fold-*/output.npz"))


def without(name):
    return lambda folder: (folder / name).unlink()


def with_evidence(**changes):
    def change(folder):
        evidence = Evidence.read(folder / "evidence.npz")
        changed = {name: change(getattr(evidence, name)) for name, change in changes.items()}
        dataclasses.replace(evidence, **changed).write(folder / "evidence.npz")

    return change


@pytest.mark.parametrize(
    "lose",
    [
        without("evidence.npz"),
        without("fold-0-1/DONE"),
        with_evidence(index=lambda index: index[::-1].copy()),
        with_evidence(example_ids=lambda ids: ids[::-1].copy()),
        with_evidence(given_labels=lambda labels: (labels + 1) % 3),
        with_evidence(class_names=lambda names: names[::-1]),
        lambda folder: Evidence.read(folder / "evidence.npz")[np.arange(90)].write(folder / "evidence.npz"),
    ],
    ids=["no evidence", "no mark", "rows", "ids", "labels", "classes", "half of it"],
)
def test_all_folds_are_trained_again_where_what_they_predicted_is_lost(detect, run_folder, lose):
    before, record = contents(run_folder), json.loads((run_folder / "run.json").read_text())
    lose(run_folder)
    received = Recorder()
    detect(run_folder, notify=received)
    assert len(received.epochs()) == N_FOLDS * N_EPOCHS
    assert any("what they predicted is no longer there" in warning.message for warning in received.of(Warned))
    assert contents(run_folder) == before
    more = json.loads((run_folder / "run.json").read_text())
    assert more["timings"]["total"] > record["timings"]["total"]
    assert (more["started"], more["ended"] > record["ended"]) == (record["started"], True)


def test_a_detector_is_changed_without_training_again(detect, run_folder):
    received = Recorder()
    run = detect(run_folder, {"detection.detector": "confident-learning"}, notify=received)
    assert not received.epochs()
    assert run.summary.detector == "confident-learning"


def test_other_settings_or_data_are_refused_by_name_and_fresh_starts_over(detect, shapes, run_folder):
    images, true_labels, given = shapes
    with refuses(labelscan.RunFolderError, "other-run"):
        detect(run_folder, {"training.epochs": 7})
    with refuses(labelscan.RunFolderError, "other-run"):
        labelscan.detect(images, true_labels, settings=quick(), output=run_folder)
    with refuses(labelscan.RunFolderError, "other-run"):
        labelscan.detect(images[:150], given[:150], settings=quick(), output=run_folder)
    received = Recorder()
    labelscan.detect(images, true_labels, settings=quick(), output=run_folder, fresh=True, notify=received)
    assert len(received.epochs()) == N_FOLDS * N_EPOCHS


def test_a_finished_run_is_not_trained_again_because_the_machine_is_another_and_that_is_said(detect, run_folder):
    before, record = contents(run_folder), json.loads((run_folder / "run.json").read_text())
    for _ in range(2):
        received = Recorder()
        detect(run_folder, {"executor.threads": 2}, notify=received)
        assert not received.epochs()
        assert any("kept as they were made: threads was 1 and is 2" in note.message for note in received.of(Noted))
        assert contents(run_folder) == before
        assert json.loads((run_folder / "run.json").read_text())["choices"] == record["choices"]


@pytest.mark.parametrize("choices", [5, {"opinions": ["x"]}])
def test_a_finished_run_whose_choices_are_damaged_is_refused_and_kept(detect, run_folder, choices):
    record = json.loads((run_folder / "run.json").read_text())
    (run_folder / "run.json").write_text(json.dumps({**record, "choices": choices}))
    before = contents(run_folder)
    with refuses(labelscan.RunFolderError, "damaged"):
        detect(run_folder)
    assert contents(run_folder) == before


def test_a_finished_run_of_another_device_is_kept_and_both_are_named(detect, run_folder):
    record = json.loads((run_folder / "run.json").read_text())
    record["choices"]["device"]["name"] = "cuda:0"
    (run_folder / "run.json").write_text(json.dumps(record))
    received = Recorder()
    detect(run_folder, notify=received)
    assert not received.epochs()
    notes = [note.message for note in received.of(Noted)]
    assert "finished folds are kept as they were made: device.name was cuda:0 and is cpu" in notes


def test_run_json_names_what_made_a_finished_run_and_not_what_shows_it(detect, run_folder):
    record = json.loads((run_folder / "run.json").read_text())
    record["versions"]["torch"], record["machines"] = "1.0", [{"system": "another"}]
    (run_folder / "run.json").write_text(json.dumps(record))
    detect(run_folder)
    again = json.loads((run_folder / "run.json").read_text())
    assert (again["versions"], again["machines"]) == (record["versions"], record["machines"])


def test_folds_of_an_unfinished_run_made_with_other_threads_are_trained_again_and_that_is_said(detect, tmp_path):
    run_until(detect, tmp_path / "run", "when all folds are finished", interrupt)
    received, again = Recorder(), Recorder()
    with pytest.raises(labelscan.Interrupted):
        detect(
            tmp_path / "run",
            {"executor.threads": 0},
            notify=cut_off("when all folds are finished", interrupt, received),
        )
    assert not received.epochs()  # by default as many threads as the run began with
    detect(tmp_path / "run", {"executor.threads": 2}, notify=again)
    assert len(again.epochs()) == N_FOLDS * N_EPOCHS
    assert any("threads was 1 and is 2" in warning.message for warning in again.of(Warned))
