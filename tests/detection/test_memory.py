"""What gathering and judging take besides the data, for many classes."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from zipfile import ZipFile

import numpy as np
import pytest
from tiny_run import evidence_of

from labelscan.data.dataset import make_dataset
from labelscan.data.inputs import FeatureTable
from labelscan.detection import evidence as evidence_module
from labelscan.detection import examples_by_class
from labelscan.detection.detectors import DETECTORS, confident_learning
from labelscan.detection.evidence import Evidence, Member
from labelscan.detection.gathering import gather
from labelscan.jobs.fold_output import FoldOutput
from labelscan.jobs.outputs import read_output, write_output

N_EXAMPLES, N_CLASSES = 12_000, 200
CELLS = N_EXAMPLES * N_CLASSES


@contextmanager
def bytes_a_probability() -> Iterator[list[float]]:
    """Yield a list that receives the most that was allocated at a time within the block."""
    peak: list[float] = []
    tracemalloc.start()
    yield peak
    peak.append(tracemalloc.get_traced_memory()[1] / CELLS)
    tracemalloc.stop()


def made_probs(dtype: type[np.floating]) -> np.ndarray:
    generator = np.random.default_rng(0)
    probs = generator.exponential(size=(N_EXAMPLES, N_CLASSES)).astype(np.float32)
    probs[np.arange(N_EXAMPLES), np.arange(N_EXAMPLES) % N_CLASSES] += 100
    probs /= probs.sum(axis=1, keepdims=True)
    return probs.astype(dtype)


def made_evidence(probs: np.ndarray) -> Evidence:
    return evidence_of(probs, np.random.default_rng(1).permutation(np.arange(N_EXAMPLES) % N_CLASSES))


def test_gathering_takes_what_the_evidence_takes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(evidence_module, "CHUNK_CELLS", 1 << 14)
    for fold in range(2):
        rows = np.arange(N_EXAMPLES)
        output = FoldOutput(
            repeat=0,
            fold=fold,
            held_out_index=rows[fold::2],
            pred_probs=made_probs(np.float32)[fold::2],
            train_index=rows[1 - fold :: 2],
            train_margin=np.zeros(N_EXAMPLES // 2, dtype=np.float32),
            train_probs=made_probs(np.float16)[1 - fold :: 2],
        )
        write_output(tmp_path / str(fold), output)
    dataset = make_dataset(
        name="made",
        inputs=FeatureTable(np.zeros((N_EXAMPLES, 1), dtype=np.float32)),
        labels=[f"{row % N_CLASSES:03}" for row in rows],
        example_ids=[f"{row:05}" for row in rows],
        where=str,
        ids_depend_on_order=False,
    )
    outputs = (FoldOutput(repeat=0, fold=fold, **read_output(tmp_path / str(fold))) for fold in range(2))
    with bytes_a_probability() as peak:
        evidence = gather(outputs, dataset=dataset, scored=np.ones(N_EXAMPLES, dtype=bool), n_repeats=1)
    assert evidence.train_probs is not None
    assert peak[0] < 4 + 2 + 1


def test_writing_evidence_of_several_models_takes_next_to_nothing(tmp_path) -> None:
    probs = made_probs(np.float32)
    members = [Member(name=str(number), pred_probs=probs[::step], weight=0.5) for number, step in enumerate((1, -1))]
    evidence = replace(made_evidence(probs), members=tuple(members))
    with bytes_a_probability() as peak:
        evidence.write(tmp_path / "evidence.npz")
    assert peak[0] < 4 + 2  # NumPy copies 16 MiB of an array at a time, here all of one
    np.savez(tmp_path / "stacked.npz", opinion_probs=np.stack([one.pred_probs for one in members]))
    written, stacked = (ZipFile(tmp_path / name).read("opinion_probs.npy") for name in ("evidence.npz", "stacked.npz"))
    assert written == stacked


@pytest.mark.parametrize(("name", "most"), [("noise-posterior", 5.0), ("confident-learning", 2.75)])
def test_a_detector_takes_no_more_than_the_probabilities(monkeypatch, name: str, most: float) -> None:
    monkeypatch.setattr(examples_by_class, "CHUNK_CELLS", 1 << 14)
    monkeypatch.setattr(examples_by_class, "ENOUGH", 500)
    monkeypatch.setattr(confident_learning, "GROUP_BYTES", 1 << 16)
    evidence = replace(made_evidence(made_probs(np.float32)), train_probs=made_probs(np.float16))
    detector = DETECTORS.build(name)
    with bytes_a_probability() as peak:
        detector.detect(evidence)
    assert peak[0] < most
