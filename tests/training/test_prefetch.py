import threading
import time
from contextlib import closing

import numpy as np
import pytest
import torch
from fake_gpu import FakeGpu, use_fake_streams
from tiny_training import CPU, learn, stored_shapes

from labelscan.errors import Interrupted
from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs

GPU = FakeGpu("cuda:0")
EVERYTHING = 2**40


@pytest.fixture
def streams(monkeypatch):
    return use_fake_streams(monkeypatch)


def epoch(inputs, device, *, done=0, resident_bytes=0):
    batches = Batches(inputs, np.arange(150), device, Augmentation(2, flip=True), resident_bytes=resident_bytes)
    batches.chunk = 40
    return batches.training(torch.arange(100), 8, torch.Generator().manual_seed(1), done=done)


def prefetching():
    return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


@pytest.mark.parametrize("done", [0, 3, 5, 12, 13])
@pytest.mark.parametrize("cache_bytes", [0, EVERYTHING])
def test_batches_are_the_same_on_the_cpu_on_a_gpu_and_sent_ahead_to_it(tmp_path, streams, done, cache_bytes):
    stored_shapes(tmp_path)
    inputs = StoredInputs(tmp_path / "images.npy", cache_bytes)
    plain = list(epoch(inputs, CPU, done=done))
    assert len(plain) == 13 - done
    for resident_bytes in (0, EVERYTHING):
        others = list(epoch(inputs, GPU, done=done, resident_bytes=resident_bytes))
        assert len(others) == len(plain)
        for (positions, images), (same, alike) in zip(plain, others, strict=True):
            assert torch.equal(positions, same)
            assert torch.equal(images, alike)
    (stream,) = streams
    assert stream.handed_over == len(stream.pinned) == 3 - done // 5


def test_chunks_are_made_in_a_thread_one_ahead_of_the_training(tmp_path, streams):
    with closing(epoch(stored_shapes(tmp_path)[0], GPU)) as left:
        next(left)
        (stream,) = streams
        until = time.monotonic() + 30
        while len(stream.pinned) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert [len(next(left)) for _ in range(4)] == [2] * 4
        assert len(stream.pinned) == 2  # of 3
        assert threading.current_thread() not in stream.threads


def test_an_epoch_that_is_left_ends_its_thread(tmp_path, streams):
    left = epoch(stored_shapes(tmp_path)[0], GPU)
    next(left)
    assert prefetching()
    left.close()
    assert not prefetching()


def test_an_interrupted_training_ends_its_thread(tmp_path, streams):
    def interrupt(event):
        raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted) as caught:
        learn(stored_shapes(tmp_path), device=GPU, epochs=200, notify=interrupt)
    assert streams
    assert not prefetching(), caught  # whose frames keep the loop alive


def test_a_failure_in_the_thread_is_that_of_the_training(tmp_path, streams):
    inputs = stored_shapes(tmp_path)[0]
    with closing(epoch(inputs, GPU)) as left:
        next(left)
        inputs.take = None
        with pytest.raises(TypeError):
            list(left)
    assert not prefetching()


def test_a_training_is_the_same_wherever_its_examples_lie(tmp_path, streams):
    shapes = stored_shapes(tmp_path)
    plain, *others = (
        learn(shapes, device=device, epochs=3, resident_bytes=resident_bytes)
        for device, resident_bytes in ((CPU, 0), (GPU, 0), (GPU, EVERYTHING))
    )
    for pred_probs, margins, epochs in others:
        np.testing.assert_array_equal(pred_probs, plain[0])
        assert torch.equal(margins.mean(), plain[1].mean())
        assert epochs == plain[2]
    assert len(streams) == 1


def test_examples_that_another_program_leaves_no_room_for_are_sent_ahead(tmp_path, streams, monkeypatch):
    def copy_to(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    shapes = stored_shapes(tmp_path)
    plain = learn(shapes, epochs=2)[0]
    monkeypatch.setattr(StoredInputs, "copy_to", copy_to)
    np.testing.assert_array_equal(learn(shapes, epochs=2, device=GPU, resident_bytes=EVERYTHING)[0], plain)
    assert len(streams) == 1
