"""Our training loop against a bare loop of the same model, batch and augmentation on tensors in memory.

    python tests/bench/training_loop.py [--rounds 5] [--examples 4096] [--threads 1]

Both train the same network on the same made-up images for some epochs, in turn, round after round; what counts is
the ratio within a round, so that a machine whose speed drifts does not matter. The bare loop does nothing but
shift, normalise, forward, loss, backward, step; ours also maps the images from disk, keeps margins and metrics.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.device import Device
from labelscan.training.loss_schedule import build_schedule
from labelscan.training.losses.blurry import Blurry
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.recipe import Recipe
from labelscan.training.training_loop import Training, train

BATCH = 64


def main() -> None:
    """Print the examples per second of both loops, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    generator = np.random.default_rng(0)
    print("| images | ours, examples/s | bare, examples/s | ours / bare |\n| --- | --- | --- | --- |")
    for shape in ((28, 28, 1), (32, 32, 3)):
        images = generator.integers(0, 256, (arguments.examples, *shape), dtype=np.uint8)
        labels = generator.integers(0, 10, arguments.examples)
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "images.npy", images)
            pairs = [
                (ours(Path(folder) / "images.npy", labels, arguments.epochs), bare(images, labels, arguments.epochs))
                for _ in range(arguments.rounds + 1)
            ][1:]
        ratio = statistics.median(b / a for a, b in pairs)
        mine, plain = (
            arguments.epochs * arguments.examples / statistics.median(times) for times in zip(*pairs, strict=True)
        )
        print(f"| {shape[0]} x {shape[1]} x {shape[2]} | {mine:,.0f} | {plain:,.0f} | {ratio:.3f} |")


def ours(path: Path, labels: np.ndarray, epochs: int) -> float:
    """Return the seconds of labelscan's training."""
    inputs, device = StoredInputs(path, 2**29), Device("cpu")
    recipe = Recipe(
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=3e-3,
        weight_decay=1e-2,
        augmentation=Augmentation(2, flip=inputs.shape[2] == 3),
    )
    index = np.arange(len(labels))
    network = SmallCNN().make(inputs.shape, 10).to(memory_format=torch.channels_last)
    started = time.perf_counter()
    batches = Batches(inputs, index, device, recipe.augmentation)
    schedule = build_schedule("blurry:delay=0", n_epochs=epochs, n_classes=10)
    training = Training(network, batches, index, labels, n_classes=10, schedule=schedule, recipe=recipe, seed=0)
    train(training, on_epoch=lambda epoch, **figures: None)
    return time.perf_counter() - started


def bare(images: np.ndarray, labels: np.ndarray, epochs: int) -> float:
    """Return the seconds of a loop that does only what training cannot do without."""
    stored, given = torch.from_numpy(images), torch.from_numpy(labels)
    network = SmallCNN().make(images.shape[1:], 10).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2, fused=True)
    height, width, channels = images.shape[1:]
    mean, deviation = stored.float().mean(dim=(0, 1, 2)), stored.float().std(dim=(0, 1, 2))
    network.train()
    started = time.perf_counter()
    padded, loss_of = functional.pad(stored, (0, 0, 2, 2, 2, 2)), Blurry()
    for _ in range(epochs):
        order = torch.randperm(len(stored))
        shifted = torch.empty_like(stored)
        draws = torch.randint(0, 25, (len(stored),))
        for shift in range(25):
            rows = (draws == shift).nonzero()[:, 0]
            shifted[rows] = padded[rows, shift // 5 : shift // 5 + height, shift % 5 : shift % 5 + width]
        if channels == 3:
            flipped = torch.rand(len(stored)) < 0.5
            shifted[flipped] = shifted[flipped].flip(2)
        for start in range(0, len(stored), BATCH):
            rows = order[start : start + BATCH]
            inputs = ((shifted[rows].float() - mean) / deviation).permute(0, 3, 1, 2)
            loss = loss_of(network(inputs), given[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
