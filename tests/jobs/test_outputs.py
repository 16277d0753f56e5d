"""What is stored of a job is what it returned, and nothing else passes for it: no other job, and no changed byte."""

import dataclasses
import os
import pickle

import numpy as np
import pytest
from refusals import refuses
from sklearn.naive_bayes import GaussianNB
from tiny_training import HERE, fold_job, run_fold

import labelscan
from labelscan.config import CacheConfig
from labelscan.errors import RunFolderError
from labelscan.events import FoldDone, PartDone, Warned, ignore
from labelscan.files import checksums
from labelscan.images.blocks import ImageBlocks
from labelscan.images.decoding import ImageShape
from labelscan.images.sources import ImageArray
from labelscan.jobs.blocks import block_jobs
from labelscan.jobs.files import CHECKPOINT_FILE, DONE_FILE, LOG_FILE, OUTPUT_FILE
from labelscan.jobs.fold_job import FoldId
from labelscan.jobs.learners import ClassifierLearner, GivenClassifier
from labelscan.jobs.outputs import Outputs, event_of
from labelscan.jobs.run_job import run_job
from labelscan.pipeline.inputs import Contents
from labelscan.pipeline.run_folds import assign, jobs_of
from labelscan.training.device import Device

LABELS = np.arange(12) % 2


@dataclasses.dataclass(frozen=True)
class Warner:
    """A learner that warns before it learns."""

    learner: ClassifierLearner
    keeps_checkpoints = False
    n_epochs = 1

    def learn(self, job, inputs, where, checkpoints, notify):
        checkpoints[0].write({"epoch": 1})
        notify(Warned("it may rain"))
        return self.learner.learn(job, inputs, where, checkpoints, notify)


@pytest.fixture
def job(tmp_path):
    features = np.random.default_rng(0).normal(size=(12, 2)) + 9 * LABELS[:, None]
    np.save(tmp_path / "inputs.npy", features.astype(np.float32))
    return fold_job(Warner(ClassifierLearner(GivenClassifier(GaussianNB()))), LABELS, n_trained=8)


@pytest.fixture
def outputs(job, tmp_path):
    """Return the outputs of a run whose one job is done."""
    return run_fold(job, tmp_path)


@pytest.fixture
def block():
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 1), dtype=np.uint8)
    blocks = ImageBlocks(source=ImageArray(images), shape=ImageShape(2, 2, 1), max_pixels=99)
    return block_jobs("images", blocks, None, size=4, made_from="89ab")[1]


def change(path, change_bytes):
    """Change a file as a failing disk does, which touches no time, and forget what this process knows of it."""
    status = path.stat()
    path.write_bytes(change_bytes(path.read_bytes()))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    checksums._checksum.cache_clear()


def flipped(share):
    def flip(content):
        place = int(share * (len(content) - 1))
        return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]

    return flip


def test_what_a_learner_returns_is_what_is_stored(job, tmp_path):
    outputs, received = Outputs(tmp_path), []
    assert not outputs.is_done(job, HERE)
    assert not outputs.was_done(job)
    run_fold(job, tmp_path, received.append)
    warning, ended = received
    assert warning == Warned("it may rain")
    mark = outputs.mark(job, HERE)
    assert ended == FoldDone(0, 1, 1.0, mark.seconds)
    assert event_of(job, mark, reused=True) == dataclasses.replace(ended, reused=True)
    assert (mark.held_out_agreement, mark.learned_nothing, mark.warnings) == (1, False, ("it may rain",))
    assert outputs.is_done(job, HERE)
    (output,) = outputs.read_folds([job])
    assert (output.repeat, output.fold, output.train_probs) == (0, 1, None)
    np.testing.assert_array_equal(output.held_out_index, job.held_out_index)
    np.testing.assert_array_equal(output.train_index, job.train_index)
    np.testing.assert_array_equal(output.pred_probs.argmax(axis=1), job.given_labels[8:])
    assert np.isnan(output.train_margin).all()
    assert sorted(path.name for path in outputs.folder_of(job).iterdir()) == [DONE_FILE, LOG_FILE, OUTPUT_FILE]


def test_a_job_whose_mark_is_not_written_yet_is_not_done(job, outputs, tmp_path):
    folder = outputs.folder_of(job)
    assert folder == tmp_path / "fold-0-1"
    (folder / DONE_FILE).unlink()
    assert not outputs.is_done(job, HERE)
    assert not outputs.is_damaged(job)
    with refuses(RunFolderError, "damaged"):
        list(outputs.read_folds([job]))


def test_what_was_made_from_something_else_is_not_this_job(job, outputs):
    other = dataclasses.replace(job, made_from="4567")
    assert outputs.mark(other, HERE) is None
    assert outputs.mark(other, None) is None
    assert not outputs.is_done(other, None)
    assert outputs.was_done(other)
    assert outputs.is_done(job, HERE)


def first_key(changes):
    return next(iter(changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"device": Device("cuda:0")},
        {"device": Device("cpu", "bfloat16")},
        {"threads": 2},
        {"n_processes": 2},
        {"engine": "openvino"},
    ],
    ids=first_key,
)
def test_what_was_made_where_last_digits_differ_is_not_this_job_unless_it_may_be_from_anywhere(job, outputs, changes):
    elsewhere = dataclasses.replace(HERE, **changes)
    assert outputs.mark(job, elsewhere) is None
    assert not outputs.is_done(job, elsewhere)
    assert outputs.mark(job, None) is not None
    assert outputs.is_done(job, None)


@pytest.mark.parametrize(
    "changes",
    [{"folds_per_gpu": 3}, {"resident_bytes": 9}, {"cache_bytes": 9}, {"cache": CacheConfig(folder="mine")}],
    ids=first_key,
)
def test_how_much_a_job_may_use_makes_no_other_job_of_it(job, outputs, changes):
    assert outputs.is_done(job, dataclasses.replace(HERE, **changes))


def test_the_same_job_on_another_of_several_gpus_is_this_job(job, tmp_path):
    there = [dataclasses.replace(HERE, device=Device(f"cuda:{number}", one_of_all=number == 0)) for number in range(2)]
    result = run_job(job, HERE, tmp_path / "inputs.npy", Outputs(tmp_path).state_of(job), ignore)
    outputs = Outputs(tmp_path)
    outputs.store(job, there[0], result)
    assert outputs.is_done(job, there[1])


def test_an_output_that_is_dropped_leaves_the_mark_and_the_log(job, outputs):
    assert outputs.has_output(job)
    outputs.drop(job)
    outputs.drop(job)
    assert not outputs.has_output(job)
    assert not outputs.is_done(job, HERE)
    assert not outputs.is_damaged(job)
    assert outputs.mark(job, HERE) is not None
    assert outputs.state_of(job).events() == [Warned("it may rain")]


CHANGES = [*map(flipped, (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)), lambda content: content[:-1], lambda content: b""]


@pytest.mark.parametrize("how", CHANGES)
def test_a_changed_byte_anywhere_in_an_output_is_noticed_and_so_is_another_length(job, outputs, how):
    change(outputs.folder_of(job) / OUTPUT_FILE, how)
    assert not outputs.is_done(job, HERE)
    assert not outputs.is_done(job, None)
    assert outputs.is_damaged(job)
    assert outputs.mark(job, HERE) is not None, "which tells it from a job that was never done"
    with refuses(RunFolderError, "damaged", str(outputs.folder_of(job))):
        list(outputs.read_folds([job]))


def test_a_damaged_output_is_made_again_and_the_job_is_not_done_meanwhile(job, outputs, tmp_path):
    (whole,) = outputs.read_folds([job])
    expected, seen = whole.pred_probs.tobytes(), []
    change(outputs.folder_of(job) / OUTPUT_FILE, flipped(0.5))
    run_fold(job, tmp_path, lambda event: seen.append(outputs.was_done(job)))
    assert seen == [False, True]
    assert outputs.is_done(job, HERE)
    assert not outputs.is_damaged(job)
    (again,) = outputs.read_folds([job])
    assert again.pred_probs.tobytes() == expected


def test_the_mark_of_a_job_that_is_run_again_goes_unless_another_process_has_just_done_the_same(job, outputs):
    outputs.unmark(job, HERE)
    assert outputs.is_done(job, HERE)
    outputs.unmark(dataclasses.replace(job, made_from="another"), HERE)
    assert not outputs.was_done(job)
    outputs.unmark(job, HERE)


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"made_from": "0123", "seconds": 1.0}', '"0123"', "\0"])
def test_a_mark_that_cannot_be_read_is_none(job, outputs, content):
    (outputs.folder_of(job) / DONE_FILE).write_text(content)
    assert outputs.mark(job, None) is None
    assert not outputs.is_done(job, HERE)
    assert not outputs.was_done(job)


def test_what_a_killed_process_could_not_tidy_up_is_deleted(job, outputs):
    left = outputs.folder_of(job) / CHECKPOINT_FILE
    left.write_bytes(b"half")
    outputs.tidy(job)
    outputs.tidy(job)
    assert not left.exists()
    assert outputs.is_done(job, HERE)


def test_nothing_is_left_of_a_job_that_is_forgotten_even_by_a_process_that_is_killed(job, outputs, tmp_path):
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr("shutil.rmtree", lambda *_, **__: None)
        outputs.forget(job)
    assert (outputs.folder_of(job) / OUTPUT_FILE).exists()
    assert not outputs.was_done(job)
    outputs.forget(job)
    outputs.forget(job)
    assert [path.name for path in tmp_path.iterdir()] == ["inputs.npy"]


def test_a_block_of_inputs_is_stored_beside_the_inputs_that_it_becomes(block, tmp_path):
    outputs = Outputs(tmp_path)
    result = run_job(block, HERE, None, outputs.state_of(block), ignore)
    assert outputs.store(block, HERE, result) == PartDone("decode", 1, 2)
    assert outputs.folder_of(block) == tmp_path / "store" / "images-part-1-of-2"
    read = outputs.read_block(block)
    for field in dataclasses.fields(read):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(result.output, field.name))
    assert outputs.is_done(block, HERE)
    assert not outputs.is_done(dataclasses.replace(block, made_from="cdef"), HERE)
    assert not outputs.is_done(block, dataclasses.replace(HERE, device=Device("cuda:0")))
    change(outputs.folder_of(block) / OUTPUT_FILE, flipped(0.5))
    assert not outputs.is_done(block, HERE)
    assert outputs.is_damaged(block)
    with refuses(RunFolderError, "damaged"):
        outputs.read_block(block)


def planned_jobs():
    """Return the jobs of the folds of a network and of a classifier, as a run has them."""
    settings = labelscan.settings(model=("small-cnn", "extra-trees"), device="cpu", epochs=2, folds=2)
    plan = labelscan.plan(np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2, settings=settings).plan
    contents = Contents(numbers=np.arange(40), fingerprint="")
    by_model, _ = jobs_of(plan, contents, assign(plan, contents))
    return [job for jobs in by_model.values() for job in jobs]


def test_jobs_are_equal_where_they_have_one_name_and_are_made_from_the_same(tmp_path):
    jobs, again = planned_jobs(), planned_jobs()
    assert again == jobs
    assert [job.name for job in jobs] == ["fold-0-0", "fold-0-1", "fold-0-0-opinion-2", "fold-0-1-opinion-2"]
    assert len({*jobs, *again}) == 4
    for name, value in {"id": FoldId(fold=7), "made_from": "another", "inputs": "another.npy"}.items():
        assert dataclasses.replace(jobs[0], **{name: value}) != jobs[0], name
    assert jobs[0] != "fold-0-0"


def test_jobs_and_where_they_run_can_be_sent_to_another_process(tmp_path, block):
    jobs = planned_jobs()
    sent = pickle.loads(pickle.dumps(jobs))
    assert sent == jobs
    assert list(map(repr, sent)) == list(map(repr, jobs))
    of_values = fold_job(Warner("a value"), LABELS, n_trained=8)
    assert pickle.loads(pickle.dumps(of_values)) == of_values
    assert pickle.loads(pickle.dumps(HERE)) == HERE
    sent = pickle.loads(pickle.dumps(block))
    assert (sent.name, sent.place, sent.made_from) == (block.name, block.place, block.made_from)
    np.testing.assert_array_equal(sent.images.source.images, block.images.source.images)


def test_jobs_are_printed_without_a_disk(tmp_path):
    jobs = planned_jobs()
    assert all(str(tmp_path) not in repr(job) for job in jobs)
    assert jobs[0].place == "repeat 0, fold 0 of small-cnn"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("of", "name", "place"),
    [
        (FoldId(repeat=1, fold=3), "fold-1-3", "repeat 1, fold 3"),
        (FoldId(fold=3, number=1, opinion="linear"), "fold-0-3-opinion-2", "repeat 0, fold 3 of linear"),
        (FoldId(fold=1, kind="aum"), "aum-1", "aum, run 1"),
        (FoldId(fold=1, kind="aum", number=1, opinion="linear"), "aum-1", "aum, run 1 of linear"),
    ],
)
def test_every_job_has_a_name_for_files_and_a_place_for_people(of, name, place):
    assert (of.name, of.place) == (name, place)
