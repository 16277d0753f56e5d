"""The feature phase of a run on photos against its two steps alone: reading and decoding, and the network.

    python tests/bench/feature_phase.py [--photos 512] [--size 160] [--model efficientnet-lite0] [--engine auto]
        [--precision auto] [--rounds 3] [--data DIR]

The photos are JPEG files of 500 x 375 pixels, made from the images below DIR, or made up. Decoding alone is what the
threads of a run do without a network, the network alone takes photos that are in memory at its size, and the phase is
``embed`` with no features in the cache. All three use all cores, in turn, round after round; what counts is the ratio
within a round, so that a machine whose speed drifts does not matter. On a CPU both steps share the cores, so that the
best that the phase could take is the sum of their times; on a GPU it is the longer one.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from labelscan.arrays import as_strings
from labelscan.config import DeviceConfig, ModelConfig
from labelscan.events import ignore
from labelscan.images.blocks import ImageBlocks
from labelscan.images.cache import Cache
from labelscan.images.decoding import ImageShape
from labelscan.images.sources import ImageArray, ImageFiles
from labelscan.images.store import Store
from labelscan.training.device import Device, choose_device
from labelscan.training.engines import EngineChoice, choose_engine
from labelscan.training.models.automatic import DataFacts
from labelscan.training.models.choice import choose_models
from labelscan.training.models.frozen_backbone import embed

PHOTO = (500, 375)


def main() -> None:
    """Print the images per second of both steps and of the phase, and what share of the best it reaches."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=512)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--engine", default="auto", choices=["auto", "openvino", "torch"])
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    config = DeviceConfig(engine=arguments.engine, precision=arguments.precision)
    device, shape = choose_device(config), ImageShape(arguments.size, arguments.size, 3)
    choice = choose_engine(config, device)
    print(f"{arguments.photos:,} photos, {arguments.model} at {arguments.size} x {arguments.size}: {choice}")
    print(f"{'round':>5} {'decoding':>9} {'network':>9} {'phase':>9} {'best':>9} {'share':>6}   images/s")
    shares = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_photos(folder / "photos", arguments.photos, arguments.data)
        in_memory = ImageArray(np.stack([_small(files.file(row), shape) for row in range(len(files))]))
        phase = Phase(arguments.model, choice, device, folder)
        phase.run(ImageBlocks(source=in_memory, shape=shape, max_pixels=10**8))  # compiles the network
        for number in range(arguments.rounds):
            decoding = _seconds(lambda: decode_all(ImageBlocks(source=files, shape=shape, max_pixels=10**8), folder))
            network = _seconds(lambda: phase.run(ImageBlocks(source=in_memory, shape=shape, max_pixels=10**8)))
            both = _seconds(lambda: phase.run(ImageBlocks(source=files, shape=shape, max_pixels=10**8)))
            best = decoding + network if device.kind == "cpu" else max(decoding, network)
            shares.append(best / both)
            speeds = " ".join(f"{arguments.photos / seconds:9,.0f}" for seconds in (decoding, network, both, best))
            print(f"{number + 1:5} {speeds} {shares[-1]:6.0%}")
    print(f"median share: {statistics.median(shares):.0%}")


def make_photos(folder: Path, n_photos: int, data: Path | None) -> ImageFiles:
    """Write JPEG files, enlarged from the images below ``data``, or from noise."""
    folder.mkdir()
    originals = sorted(data.rglob("*.jpg")) if data else []
    generator = np.random.default_rng(0)
    for row in range(n_photos):
        if originals:
            image = Image.open(originals[row % len(originals)]).convert("RGB")
        else:
            image = Image.fromarray(generator.integers(0, 256, (75, 100, 3), dtype=np.uint8))
        image.resize(PHOTO, Image.Resampling.BICUBIC).save(folder / f"{row:06}.jpg", quality=90)
    return ImageFiles(folder, as_strings([path.name for path in sorted(folder.iterdir())]))


def decode_all(images: ImageBlocks, folder: Path) -> None:
    """Read and decode as a run does, and let go of it."""
    store = Store.begin(folder / "none.npy", images.shape, images.source)
    with Cache(folder / "empty").shelf("features", {}) as shelf:
        for _ in images.read(store, shelf):
            pass


class Phase:
    """Features as a run computes them, with nothing in the cache but a network that was compiled before."""

    def __init__(self, model: str, choice: EngineChoice, device: Device, folder: Path) -> None:
        (chosen,) = choose_models(ModelConfig(name=(model,), weights="auto"), DataFacts("images", None, 1000, 10, 0))
        assert chosen.frozen is not None, f"{model} has no weights here"
        self._backbone, self._choice, self._device, self._folder = chosen.frozen, choice, device, folder

    def run(self, images: ImageBlocks) -> None:
        cache = self._folder / "cache"
        for known in cache.glob("features-*"):
            shutil.rmtree(known)
        embed(
            images,
            self._backbone,
            self._folder / "features.npy",
            cache=Cache(cache),
            mirror=False,
            device=self._device,
            choice=self._choice,
            notify=ignore,
        )


def _small(file: Path, shape: ImageShape) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.resize((shape.width, shape.height)))


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
