"""What labelscan does with a GPU, in one table: whole runs, the training loop, features, and how busy the GPU is.

    python tests/bench/gpu.py [--tiny]

The images are made here: 50,000 of 32 x 32 pixels in ten classes, each the pattern of its class somewhere in noise, and
6 of 100 labels are wrong, so that no model reaches more than 94 % of accuracy on the labels as given; and photos of
256 x 256. With ``--tiny`` everything is so small that it runs on a CPU in a minute: then the numbers mean nothing.
"""

import argparse
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from loky import get_reusable_executor
from PIL import Image
from torch import nn
from torchvision.models import resnet18

import labelscan
from labelscan.config import DeviceConfig
from labelscan.events import Event, FoldDone, StepDone
from labelscan.training.augmentation import Augmentation
from labelscan.training.batches import Batches, StoredInputs
from labelscan.training.device import Device, choose_device, make_network, reproducible
from labelscan.training.loop import Training
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.prediction import InParts
from labelscan.training.recipe import Recipe
from labelscan.training.schedule import build_schedule

N_CLASSES = 10
WRONG = 0.06
"""Share of the labels that are wrong."""
BATCH = 64
FEATURE_BATCH = 128


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    images: int = 50_000
    side: int = 32
    epochs: int = 0
    """Seeds of whole runs; 0 is the default."""
    photos: int = 50_000
    loop_photos: int = 2_000
    photo_side: int = 224


TINY = Sizes(images=200, side=16, epochs=2, photos=24, loop_photos=16, photo_side=32)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true")
    sizes = TINY if parser.parse_args().tiny else Sizes()
    device = choose_device(DeviceConfig())
    print(f"{device.processor}, {device.dtype_name}, torch {torch.__version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        print_runs(sizes, Path(folder))
        print_loops(sizes, device, Path(folder))
        print_features(sizes, device, Path(folder))


def print_runs(sizes: Sizes, folder: Path) -> None:
    """Print whole runs of five folds, with one and more of them on a GPU at a time."""
    images, labels, is_wrong = draw_images(sizes.images, sizes.side)
    print("| five folds | seconds | accuracy on given labels | F1 | GPU busy, % | GPU memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    cases = [("by default", 0, sizes.epochs), *((f"{n} at a time", n, sizes.epochs) for n in (1, 2, 4))]
    for name, processes, epochs in [*cases, ("by default, 40 epochs", 0, 40 if sizes == Sizes() else sizes.epochs)]:
        accuracies: list[float] = []

        def note(event: Event, to: list[float] = accuracies) -> None:
            if isinstance(event, FoldDone) and event.held_out_accuracy is not None:
                to.append(event.held_out_accuracy)

        settings = labelscan.settings(
            model="small-cnn", epochs=epochs or None, overrides={"executor.processes": processes}
        )
        with watched() as usage:
            started = time.monotonic()
            output = folder / f"run-{processes}-{epochs}"
            run = labelscan.detect(images, labels, settings=settings, output=output, notify=note)
            seconds = time.monotonic() - started
        get_reusable_executor().shutdown(wait=True)  # its processes would keep memory of the GPU for a while
        torch.cuda.empty_cache()
        flagged = run.issues.flagged["example_id"].to_numpy(dtype=int)  # row numbers
        f1 = 2 * is_wrong[flagged].sum() / (len(flagged) + is_wrong.sum())
        shown = f"{seconds:.1f} | {np.mean(accuracies):.3f} | {f1:.3f} | {usage[0]} | {usage[1]}"
        print(f"| {name} | {shown} |", flush=True)
    print()


def print_loops(sizes: Sizes, device: Device, folder: Path) -> None:
    """Print the images per second of the training loop, by where the images lie, eager and compiled."""
    print("| training loop | images/s | GPU busy, % |\n| --- | --- | --- |")
    for side, n, make in (
        (sizes.side, sizes.images, lambda shape: SmallCNN().make(shape, N_CLASSES)),
        (sizes.photo_side, sizes.loop_photos, lambda shape: resnet18(num_classes=N_CLASSES)),
    ):
        images, labels, _ = draw_images(n, side)
        np.save(folder / "images.npy", images)
        inputs = StoredInputs(folder / "images.npy", 2**40)
        where = f"{type(make((side, side, 3))).__name__.lstrip('_')}, {side} x {side}"
        for name in ("resident", "pinned", "plain"):
            batches = Batches(
                inputs,
                np.arange(n),
                device,
                Augmentation(max(1, side // 14), flip=True),
                resident_bytes=2**40 if name == "resident" else 0,
            )
            if name == "plain":
                batches._stream = None
            with watched() as usage:
                rate = loop_rate(batches, labels, device, make)
            print(f"| {where}, {name} | {rate:,.0f} | {usage[0]} |", flush=True)
        for mode in ("default", "reduce-overhead") if device.kind == "cuda" else ():
            batches = Batches(inputs, np.arange(n), device, Augmentation(1, flip=True), resident_bytes=2**40)
            print(f"| {where}, resident, compiled ({mode}) | {compiled_rate(batches, labels, device, make, mode)} | |")
    print()


def loop_rate(
    batches: Batches,
    labels: np.ndarray,
    device: Device,
    make: Callable[[tuple[int, ...]], nn.Module],
    compiled: Callable[[nn.Module], nn.Module] = lambda network: network,
) -> float:
    """Return the examples per second of the second epoch."""
    recipe = Recipe(epochs=2, batch_size=BATCH, learning_rate=1e-3, weight_decay=1e-2)
    schedule = build_schedule("ce", n_epochs=2, n_classes=N_CLASSES)
    with reproducible(0, threads=torch.get_num_threads()):
        network = compiled(make_network(lambda: make(batches.inputs.shape), device, 0))
        index = np.arange(len(labels))
        training = Training(
            network, batches, index, labels, n_classes=N_CLASSES, schedule=schedule, recipe=recipe, seed=0
        )
        network.train()
        epochs = [figures for figures in training.steps() if figures is not None]
    return len(labels) / epochs[1]["seconds"]


def compiled_rate(
    batches: Batches, labels: np.ndarray, device: Device, make: Callable[[tuple[int, ...]], nn.Module], mode: str
) -> str:
    """Return the examples per second of a compiled network and the seconds with compilation, or what went wrong."""
    started = time.monotonic()
    try:
        rate = loop_rate(batches, labels, device, make, lambda network: torch.compile(network, mode=mode))
    except Exception as error:  # torch raises many kinds here; the table goes on
        first_line, *_ = [*str(error).splitlines(), ""]
        return f"{type(error).__name__}: {first_line[:80]}"
    return f"{rate:,.0f}, both epochs with compilation {time.monotonic() - started:.0f} s"


def print_features(sizes: Sizes, device: Device, folder: Path) -> None:
    """Print how long the features of photos in files take, and the network alone."""
    print("| features, resnet18 | photos/s | GPU busy, % |\n| --- | --- | --- |")
    draw_photos(folder / "photos", sizes.photos)
    weights = folder / "resnet18.pt"
    torch.save(resnet18().state_dict(), weights)
    steps: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, StepDone):
            steps[event.step] = event.seconds

    settings = labelscan.settings(
        folder / "photos",
        model="resnet18",
        weights=str(weights),
        image_size=sizes.photo_side,
        overrides={"cache.folder": "none"},
    )
    with watched() as usage:
        labelscan.detect(settings=settings, output=folder / "features", notify=note)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items())
    print(f"| from files ({parts}) | {sizes.photos / sum(steps.values()):,.0f} | {usage[0]} |")
    images = torch.randint(0, 256, (FEATURE_BATCH, sizes.photo_side, sizes.photo_side, 3), dtype=torch.uint8)
    np.save(folder / "batch.npy", images.numpy())
    batches = Batches(StoredInputs(folder / "batch.npy", 2**40), np.arange(2), device, Augmentation())
    n_rounds = max(1, sizes.photos // FEATURE_BATCH // 10)
    with reproducible(0, threads=torch.get_num_threads()), torch.inference_mode(), device.autocast():
        outputs_of = InParts(make_network(resnet18, device, 0).eval())
        view = next(next(batches.views(torch.arange(FEATURE_BATCH), FEATURE_BATCH)))  # of fewer where they are large
        outputs_of(view).sum().item()
        started = time.monotonic()
        sum(outputs_of(view).sum() for _ in range(n_rounds)).item()
    rate = n_rounds * len(view) / (time.monotonic() - started)
    print(f"| network alone | {rate:,.0f} | |\n")


def draw_images(n: int, side: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (N, side, side, 3) uint8 images, their given labels, and which of these are wrong."""
    generator = np.random.default_rng(seed)
    coarse = generator.normal(size=(N_CLASSES, side // 4, side // 4, 3))
    patterns = np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)
    labels = generator.integers(0, N_CLASSES, n)
    images = np.empty((n, *patterns.shape[1:]), dtype=np.uint8)
    for row, label in enumerate(labels):
        pattern = np.roll(patterns[label], generator.integers(-4, 5, 2), axis=(0, 1))
        noise = generator.normal(size=pattern.shape, scale=1.5)
        images[row] = (128 + 25 * (generator.uniform(0.5, 1) * pattern + noise)).clip(0, 255)
    is_wrong = generator.random(n) < WRONG
    return images, np.where(is_wrong, (labels + generator.integers(1, N_CLASSES, n)) % N_CLASSES, labels), is_wrong


def draw_photos(folder: Path, n: int, side: int = 256) -> None:
    """Write JPEG photos in class folders, no two of them alike."""

    def draw(row: int) -> None:
        generator = np.random.default_rng(row)
        coarse = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        path = folder / f"class-{row % N_CLASSES}" / f"{row}.jpg"
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(path, quality=90)

    for label in range(N_CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(draw, range(n)):
            pass


@contextmanager
def watched() -> Iterator[list[str]]:
    """Return what is filled at the end of the block: mean utilisation in per cent and most memory in MB, as shown."""
    usage = ["-", "-"]
    query = "nvidia-smi --query-gpu=utilization.gpu,memory.used --format=csv,noheader,nounits --loop-ms=500"
    try:
        process = subprocess.Popen(query.split(), stdout=subprocess.PIPE, text=True)
    except OSError:  # no GPU
        yield usage
        return
    try:
        yield usage
    finally:
        process.terminate()
        measured = re.findall(r"^ *(\d+), *(\d+) *$", process.communicate()[0], re.MULTILINE)  # some GPUs tell neither
        if measured:
            busy, memory = np.array(measured, dtype=float).T
            usage[:] = [f"{busy.mean():.0f}", f"{memory.max():.0f}"]


if __name__ == "__main__":
    main()
