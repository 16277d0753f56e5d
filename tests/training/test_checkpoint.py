import pickle
import random
import weakref
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tiny_training import learn, stored_shapes
from torch import nn

from labelscan.errors import Interrupted
from labelscan.events import Waiting, Warned
from labelscan.jobs.state import FolderState
from labelscan.training import batches, checkpoint, loop
from labelscan.training.augmentation import Augmentation
from labelscan.training.checkpoint import Checkpoint, generators, restore_generators
from labelscan.training.margins import TrainMargins
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.prediction import InParts

N_STEPS = 3 * 8
"""Three epochs of 8 batches."""


class Drawing(nn.Module):
    """A network that draws from every generator there is."""

    def __init__(self):
        super().__init__()
        self.network = SmallCNN(8).make((8, 8, 1), 3)
        self.dropout = nn.Dropout(0.2)

    def forward(self, images):
        moved = images + 0.01 * random.random() + 0.01 * float(np.random.random())
        return self.network(self.dropout(moved) if self.training else images)


@dataclass
class StopAfter:
    """A listener that stops a training after some steps."""

    n_steps: int

    def __call__(self, event):
        self.n_steps -= isinstance(event, Waiting)
        if self.n_steps < 0:
            raise Interrupted("interrupted", "enough")


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_EVENTS", -1.0)


@pytest.fixture
def shapes(tmp_path):
    return stored_shapes(tmp_path)


def end(result):
    pred_probs, margins, epochs = result
    return pred_probs.tobytes(), margins.mean().numpy().tobytes(), margins.probs().numpy().tobytes(), epochs[-1]


@pytest.mark.parametrize("loss", ["blurry", "elr", "anl-ce"])
@pytest.mark.parametrize("n_steps", [0, 3, 8, 13, 16, N_STEPS - 1])
def test_a_training_that_shuts_down_gracefully_after_any_step_goes_on_there_with_the_same_bytes(
    shapes, tmp_path, monkeypatch, loss, n_steps
):
    monkeypatch.setattr(batches, "CHUNK_BYTES", 3 * 16 * 64)  # 3 batches, so that an epoch has several chunks
    options = {"epochs": 3, "loss": loss, "make": lambda *_: Drawing(), "augmentation": Augmentation(1, flip=True)}
    whole = learn(shapes, **options)
    kept = Checkpoint(FolderState(tmp_path), "this")
    with pytest.raises(Interrupted):
        learn(shapes, **options, notify=StopAfter(n_steps), checkpoint=kept)
    rest = learn(shapes, **options, checkpoint=Checkpoint(FolderState(tmp_path), "this"))
    assert end(rest) == end(whole)
    assert [epoch for epoch, _ in rest[2]] == list(range(1, 4))[(n_steps + 1) // 9 :]  # 8 steps and the end of an epoch


def test_a_training_may_be_stopped_at_every_single_step(shapes, tmp_path):
    whole = learn(shapes, epochs=2)
    for _ in range(2 * 9 - 1):
        with pytest.raises(Interrupted):
            learn(shapes, epochs=2, notify=StopAfter(0), checkpoint=Checkpoint(FolderState(tmp_path)))
    assert end(learn(shapes, epochs=2, checkpoint=Checkpoint(FolderState(tmp_path)))) == end(whole)


@pytest.mark.parametrize("n_steps", [26, 35, 39, 45, 52])
def test_a_training_that_settles_is_resumed_before_and_after_that_with_the_same_bytes(
    shapes, tmp_path, monkeypatch, n_steps
):
    monkeypatch.setattr(loop, "SETTLED", 1.1)
    whole = learn(shapes, epochs=10, may_settle=True)
    kept = Checkpoint(FolderState(tmp_path))
    with pytest.raises(Interrupted):
        learn(shapes, epochs=10, may_settle=True, notify=StopAfter(n_steps), checkpoint=kept)
    rest = learn(shapes, epochs=10, may_settle=True, checkpoint=Checkpoint(FolderState(tmp_path)))
    assert end(rest) == end(whole)
    assert rest[2][-1][0] == 6


def test_a_killed_training_loses_no_more_than_its_last_epoch(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", np.inf)  # however long writing takes
    whole = learn(shapes, epochs=4)

    class Killed(BaseException):
        pass

    def kill(event):
        steps.append(event)
        if len(steps) == 3 * 9 + 4:  # in the middle of the last epoch
            raise Killed

    steps = []
    with pytest.raises(Killed):
        learn(shapes, epochs=4, notify=kill, checkpoint=Checkpoint(FolderState(tmp_path)))
    rest = learn(shapes, epochs=4, checkpoint=Checkpoint(FolderState(tmp_path)))
    assert [epoch for epoch, _ in rest[2]] == [4]
    assert end(rest) == end(whole)


def test_a_long_epoch_is_kept_every_half_minute(shapes, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", np.inf)
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(Checkpoint, "write", lambda self, state: written.append((state["epoch"], state["done"])))
    learn(shapes, epochs=1, checkpoint=Checkpoint(FolderState(tmp_path)))
    assert written == [(0, step) for step in range(1, 9)] + [(1, 0)]


def test_writing_takes_a_hundredth_of_the_time_but_no_epoch_of_half_a_minute_is_lost(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    kept = Checkpoint(FolderState(tmp_path))
    slow = lambda *_: now.__setitem__(0, now[0] + 0.5)  # noqa: E731
    monkeypatch.setattr(torch, "save", slow)
    assert not kept.is_due(epoch_ended=True)
    now[0] = 2.0
    assert kept.is_due(epoch_ended=True)
    assert not kept.is_due(epoch_ended=False)
    kept.write({})
    now[0] += 29.0
    assert not kept.is_due(epoch_ended=True)
    now[0] += 1.5
    assert kept.is_due(epoch_ended=True)
    assert not kept.is_due(epoch_ended=False)
    now[0] += 20.0
    assert kept.is_due(epoch_ended=False)


@pytest.mark.parametrize("damage", ["other", "cut off", "empty", "text", "missing"])
def test_a_checkpoint_of_another_job_or_a_damaged_one_is_not_read(tmp_path, damage):
    path, slot = tmp_path / "checkpoint.pt", FolderState(tmp_path)
    Checkpoint(slot, "this").write({"epoch": 3})
    assert Checkpoint(slot, "this").exists()
    assert Checkpoint(slot, "this").read() == {"epoch": 3}
    if damage == "missing":
        path.unlink()
    elif damage != "other":
        path.write_bytes({"cut off": path.read_bytes()[:-100], "empty": b"", "text": b"hello"}[damage])
    again = Checkpoint(slot, "that" if damage == "other" else "this")
    assert not again.exists()
    assert again.read() is None
    assert again.seconds() == 0.0
    assert again.is_damaged() == (damage in ("cut off", "empty", "text"))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
def test_a_flipped_byte_anywhere_in_a_checkpoint_is_noticed(tmp_path, share):
    kept, path = Checkpoint(FolderState(tmp_path), "this"), tmp_path / "checkpoint.pt"
    kept.write({"epoch": 3, "weights": torch.rand(500)})
    whole = path.read_bytes()
    assert (kept.exists(), kept.is_damaged()) == (True, False)
    place = int(share * (len(whole) - 1))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert (kept.exists(), kept.is_damaged()) == (False, True)
    assert kept.read() is None
    path.write_bytes(whole)
    assert (kept.exists(), kept.is_damaged()) == (True, False)


def test_a_checkpoint_goes_to_other_processes_as_it_is_and_they_change_nothing(tmp_path):
    kept = Checkpoint(FolderState(tmp_path), "this")
    kept.write({"epoch": 3})
    there = pickle.loads(pickle.dumps(kept.as_it_is()))
    kept.delete()
    assert there.exists()
    assert there.read() == {"epoch": 3}
    there.write({"epoch": 4})
    there.delete()
    assert there.read() == {"epoch": 3}
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_is_kept_there_is_nothing_to_read_or_to_delete(tmp_path):
    kept = Checkpoint(None, "this")
    kept.write({"epoch": 3})
    kept.delete()
    assert (kept.exists(), kept.is_damaged(), kept.read(), kept.seconds()) == (False, False, None, 0.0)
    assert not kept.as_it_is().exists()
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_tensors_and_plain_values_is_ever_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "run by the checkpoint"), "w"))

    slot, content = FolderState(tmp_path), {"made_from": "this", "seconds": 1.0, "state": {"epoch": Evil()}}
    pickled = pickle.dumps(content)
    Checkpoint(slot, "this").write(content["state"])
    for packed in (slot.read(), checkpoint._MAGIC + checkpoint._CHECKSUM.pack(zlib.crc32(pickled)) + pickled):
        slot.write(packed)
        assert Checkpoint(slot, "this").read() is None
        assert Checkpoint(slot, "this").is_damaged()
    assert not (tmp_path / "run by the checkpoint").exists()


@pytest.mark.parametrize(
    ("what", "full"),
    [("os.fsync", OSError(28, "No space left on device")), ("torch.save", RuntimeError("unexpected pos 704 vs 598"))],
)
def test_what_cannot_be_written_leaves_the_checkpoint_before_and_training_goes_on(tmp_path, monkeypatch, what, full):
    kept = Checkpoint(FolderState(tmp_path), "this")
    kept.write({"epoch": 1})
    asked = []

    def fail(*_):
        asked.append(1)
        raise full

    kept.write({"extra": lambda: None})  # a state that cannot be stored
    monkeypatch.setattr(what, fail)
    kept.write({"epoch": 2})
    assert asked == [1]
    assert kept.read() == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_it_keeps_how_long_the_training_took_in_all_processes(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    for seconds in (5.0, 12.0, 20.0):
        kept = Checkpoint(FolderState(tmp_path), "this")
        before = kept.seconds()
        kept.read()
        now[0] += seconds - before
        kept.write({})
        now[0] += 100.0  # what comes after is done again
        assert Checkpoint(FolderState(tmp_path), "this").seconds() == seconds
    assert Checkpoint(FolderState(tmp_path), "that").seconds() == 0.0


def test_what_is_read_of_a_memory_is_not_kept_beside_it(shapes, tmp_path, monkeypatch):
    read, alive = Checkpoint.read, []

    def note(self):
        if (state := read(self)) is not None:
            alive.append(weakref.ref(state["loss"]["targets"]))
        return state

    monkeypatch.setattr(Checkpoint, "read", note)
    kept = {"loss": "elr", "epochs": 2, "checkpoint": Checkpoint(FolderState(tmp_path))}
    with pytest.raises(Interrupted):
        learn(shapes, **kept, notify=StopAfter(3))
    learn(shapes, **kept, notify=lambda _: alive.append(alive[0]()))
    assert len(alive) > 10
    assert alive[1:] == [None] * (len(alive) - 1)


def test_a_training_goes_on_with_its_generator_on_another_gpu_and_where_there_are_fewer(monkeypatch):
    states = {torch.device("cuda", number): torch.tensor([number]) for number in range(2)}
    monkeypatch.setattr(torch.cuda, "get_rng_state", states.__getitem__)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, place: states.__setitem__(place, state))
    state = generators(torch.device("cuda:1"))
    del states[torch.device("cuda:1")]
    restore_generators(state, torch.device("cuda:0"))
    assert states == {torch.device("cuda:0"): 1}


OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory")


def too_large(monkeypatch, most, error=OUT_OF_MEMORY):
    """Return a maker of networks for which more than ``most`` images do not fit into memory."""
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def refuse(module, inputs):
        if len(inputs[0]) > most:
            raise error

    def make(*_):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))
        network.register_forward_pre_hook(refuse)
        return network

    return make


@pytest.mark.parametrize(
    "error",
    [
        OUT_OF_MEMORY,
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=["torch", "cudnn", "cublas", "cuda"],
)
def test_a_batch_too_large_for_memory_is_trained_in_parts_with_the_same_result_and_that_is_said(
    shapes, monkeypatch, error
):
    whole = learn(shapes, epochs=2, make=too_large(monkeypatch, 1000))
    received = []
    parts = learn(shapes, epochs=2, make=too_large(monkeypatch, 6, error), notify=received.append)
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-5)
    np.testing.assert_allclose(parts[1].mean(), whole[1].mean(), atol=1e-4)
    warnings = [event.message for event in received if isinstance(event, Warned)]
    assert warnings[-1].startswith("batches of 16 do not fit into the memory of the GPU: each is trained in 4 parts")


def test_a_prediction_too_large_for_memory_is_made_in_parts(monkeypatch):
    network, images, tried_again = too_large(monkeypatch, 6)(), torch.rand(20, 1, 8, 8), []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: tried_again.append(1))
    outputs_of = InParts(network)
    with torch.no_grad():
        for some in (images, images, images[:3], images[:0]):
            np.testing.assert_allclose(outputs_of(some), network[1:](some.flatten(1)), atol=1e-6)
    assert len(tried_again) == 2, "in two parts and in four, and no batch after the first"
    with pytest.raises(torch.OutOfMemoryError):
        InParts(too_large(monkeypatch, 0)())(images)


@pytest.mark.parametrize(
    ("most", "error"),
    [(1, OUT_OF_MEMORY), (6, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))],
    ids=["no batch fits", "another error"],
)
def test_where_parts_do_not_help_the_error_of_the_network_is_that_of_the_training(shapes, monkeypatch, most, error):
    with pytest.raises(type(error)) as caught:
        learn(shapes, epochs=1, make=too_large(monkeypatch, most, error))
    assert caught.value is error


def test_no_batch_is_learned_from_twice_where_memory_ends_after_its_step(shapes, monkeypatch):
    add, calls = TrainMargins.add, []

    def end_once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        add(*arguments)

    monkeypatch.setattr(TrainMargins, "add", end_once)
    with pytest.raises(torch.OutOfMemoryError):
        learn(shapes, epochs=1, make=too_large(monkeypatch, 1000))


def test_parts_are_kept_in_a_checkpoint(shapes, tmp_path, monkeypatch):
    make = too_large(monkeypatch, 6)
    whole = learn(shapes, epochs=3, make=make)
    with pytest.raises(Interrupted):
        learn(shapes, epochs=3, make=make, notify=StopAfter(10), checkpoint=Checkpoint(FolderState(tmp_path)))
    received = []
    rest = learn(shapes, epochs=3, make=make, notify=received.append, checkpoint=Checkpoint(FolderState(tmp_path)))
    assert end(rest) == end(whole)
    assert not any(isinstance(event, Warned) for event in received)
