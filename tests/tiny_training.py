"""The training of one small network on shapes, in a second or less, and small folds as jobs."""

from pathlib import Path

import numpy as np
from shapes import draw_shapes

from labelscan.config import CacheConfig
from labelscan.events import ignore
from labelscan.jobs.executors.local import LocalExecutor
from labelscan.jobs.fold_job import FoldId, FoldJob
from labelscan.jobs.outputs import Driver, Outputs
from labelscan.jobs.where import Where
from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.checkpoint import NO_CHECKPOINT
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.loop import Training, train
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.prediction import predict
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule

CPU = Device("cpu")
HERE = Where(device=CPU, threads=1, cache_bytes=2**20, cache=CacheConfig(folder="none"))


def recipe(**changes):
    return Recipe(
        **{
            "epochs": 8,
            "batch_size": 16,
            "learning_rate": 3e-3,
            "weight_decay": 0.01,
            "augmentation": Augmentation(1),
            **changes,
        }
    )


def stored_shapes(folder: Path):
    """Return 150 images in a file and their labels."""
    images, labels = draw_shapes(150)
    np.save(folder / "images.npy", images[..., None])
    return StoredInputs(folder / "images.npy", 2**20), labels


def learn(
    shapes,
    *,
    seed=0,
    device=CPU,
    loss="blurry",
    labels=None,
    keep=None,
    make=None,
    notify=ignore,
    checkpoint=NO_CHECKPOINT,
    resident_bytes=0,
    **changes,
):
    """Train on the first 120 examples; return the probabilities of the others, the margins, and loss by epoch."""
    inputs, true_labels = shapes
    labels = true_labels if labels is None else labels
    settings = recipe(**changes)
    index = np.arange(120)
    epochs = []
    schedule = build_schedule(loss, n_epochs=settings.epochs, n_classes=3) if isinstance(loss, str) else loss
    with reproducible(seed, threads=1):
        batches = Batches(inputs, index, device, settings.augmentation, resident_bytes=resident_bytes)
        network = make_network(lambda: (make or SmallCNN(8).make)(inputs.shape, 3), device, seed)
        if keep is not None:
            keep.append(network)
        training = Training(
            network, batches, index, labels, n_classes=3, schedule=schedule, recipe=settings, seed=seed, notify=notify
        )
        margins = train(
            training,
            on_epoch=lambda epoch, **figures: epochs.append((epoch, figures["loss"])),
            notify=notify,
            checkpoint=checkpoint,
        )
        return predict(network, batches, np.arange(120, 150)), margins, epochs


def fold_job(learner, labels, *, n_trained, **changes):
    """Return the job of a fold that trains on the first rows of ``inputs.npy`` and holds out the others."""
    return FoldJob(
        **{
            "id": FoldId(repeat=0, fold=1),
            "made_from": "0123",
            "inputs": "inputs.npy",
            "given_labels": labels,
            "n_classes": 2,
            "train_index": np.arange(n_trained),
            "held_out_index": np.arange(n_trained, len(labels)),
            "learner": learner,
            "run_seed": 0,
            **changes,
        }
    )


def run_fold(job, folder: Path, notify=ignore, where=HERE):
    """Run a fold on the rows in ``folder`` as a run in it does, and return the outputs of the run.

    What an earlier try has left is resumed.
    """
    driver = Driver({job.inputs: folder / job.inputs}, lambda _: where, Outputs(folder), notify)
    LocalExecutor(processes=1).run([job], driver)
    return driver.outputs
