"""Our training loop against a bare loop of the same model, batch and augmentation on tensors in memory.

    python tests/bench/training_loop.py [--rounds 5] [--examples 4096] [--photos 256] [--threads 1]

Both train the same network on the same made-up images for some epochs, in turn, round after round; what counts is
the ratio within a round, so that a machine whose speed drifts does not matter. The bare loop does nothing but
shift, normalise, forward, loss, backward, step; ours also maps the images from disk, keeps margins and metrics.
Photos train a ResNet-18 for one epoch, and the bare loop has them shifted and flipped before it starts.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet18

from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.device import Device
from labelscan.training.loop import Training, train
from labelscan.training.losses.given_label import Blurry
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule

BATCH = 64
PHOTO = (224, 224, 3)


def main() -> None:
    """Print the examples per second of both loops, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=4096)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    generator = np.random.default_rng(0)
    print("| images | ours, examples/s | bare, examples/s | ours / bare |\n| --- | --- | --- | --- |")
    for shape in ((28, 28, 1), (32, 32, 3), PHOTO):
        n, epochs = (arguments.photos, 1) if shape == PHOTO else (arguments.examples, arguments.epochs)
        images = generator.integers(0, 256, (n, *shape), dtype=np.uint8)
        labels = generator.integers(0, 10, n)
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "images.npy", images)
            pairs = [
                (ours(Path(folder) / "images.npy", labels, epochs), bare(images, labels, epochs))
                for _ in range(arguments.rounds + 1)
            ][1:]
        ratio = statistics.median(b / a for a, b in pairs)
        mine, plain = (epochs * n / statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"| {shape[0]} x {shape[1]} x {shape[2]} | {mine:,.0f} | {plain:,.0f} | {ratio:.3f} |", flush=True)


def ours(path: Path, labels: np.ndarray, epochs: int) -> float:
    """Return the seconds of labelscan's training."""
    inputs, device = StoredInputs(path, 2**29), Device("cpu")
    recipe = Recipe(
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=3e-3,
        weight_decay=1e-2,
        augmentation=augmentation_of(inputs.shape),
    )
    index = np.arange(len(labels))
    network = network_for(inputs.shape)
    started = time.perf_counter()
    batches = Batches(inputs, index, device, recipe.augmentation)
    schedule = build_schedule("blurry:delay=0", n_epochs=epochs, n_classes=10)
    training = Training(network, batches, index, labels, n_classes=10, schedule=schedule, recipe=recipe, seed=0)
    train(training, on_epoch=lambda epoch, **figures: None)
    return time.perf_counter() - started


def bare(images: np.ndarray, labels: np.ndarray, epochs: int) -> float:
    """Return the seconds of a loop that does only what training cannot do without."""
    stored, given = torch.from_numpy(images), torch.from_numpy(labels)
    network = network_for(images.shape[1:])
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2, fused=True)
    mean, deviation = stored.float().mean(dim=(0, 1, 2)), stored.float().std(dim=(0, 1, 2))
    augmentation, generator = augmentation_of(images.shape[1:]), torch.Generator().manual_seed(0)
    if images.shape[1:] == PHOTO:
        moved = augmentation.draw(len(stored), generator).apply(stored)
    network.train()
    started = time.perf_counter()
    loss_of = Blurry()
    for _ in range(epochs):
        order = torch.randperm(len(stored))
        if images.shape[1:] != PHOTO:
            moved = augmentation.draw(len(stored), generator).apply(stored)
        for start in range(0, len(stored), BATCH):
            rows = order[start : start + BATCH]
            inputs = ((moved[rows].float() - mean) / deviation).permute(0, 3, 1, 2)
            loss = loss_of(network(inputs), given[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return time.perf_counter() - started


def augmentation_of(shape: tuple[int, ...]) -> Augmentation:
    """Return how images of a shape are moved in both loops."""
    return Augmentation(8 if shape == PHOTO else 2, flip=shape[2] == 3)


def network_for(shape: tuple[int, ...]) -> nn.Module:
    """Return the network of both loops for images of a shape."""
    network = resnet18(num_classes=10) if shape == PHOTO else SmallCNN().make(shape, 10)
    return network.to(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
