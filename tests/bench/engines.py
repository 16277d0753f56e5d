"""How fast each engine computes the features of frozen backbones on this CPU, beside the network as torch runs it.

    python tests/bench/engines.py [--models efficientnet-lite0 resnet18 ...] [--side 160] [--rounds 8]

All take turns in one run, one thread a core, on the batches that they are made for. Prints one Markdown table: the best
of all rounds in images/s, relative to the network as it is, and how far features are from its own.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labelscan.config import ModelConfig
from labelscan.images.cache import Cache
from labelscan.images.sizes import NativeSizes
from labelscan.processes.cores import available_cores
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.engines import EngineChoice, make_engine
from labelscan.training.models import choose_models, is_backbone
from labelscan.training.models.automatic import DataFacts

ENGINES = [("torch", "float32"), ("openvino", "float32"), ("openvino", "bfloat16")]
PHOTOS = NativeSizes(n_probed=10, uniform=False, median_height=300, median_width=400, grey=False)
ROUND_IMAGES = 64
"""Images of one engine in a round, for each core."""


def main() -> None:
    """Time all engines on all models and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["efficientnet-lite0"])
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    print("| model | engine | images/s | times as fast | difference |\n| --- | --- | --- | --- | --- |")
    with reproducible(0, threads=1):
        for name in arguments.models:
            compare(name, arguments.side, arguments.rounds)


def compare(name: str, side: int, rounds: int) -> None:
    """Print the rows of one model; one without weights here has random ones."""
    model = choose_models(ModelConfig(name=(name,), freeze="no"), DataFacts("images", PHOTOS, 1000, 10, 0))[0].model
    assert is_backbone(model)
    network = make_network(model.make_features, Device("cpu"), seed=0).eval()
    images = torch.randn(16, 3, side, side).to(memory_format=torch.channels_last)
    runs = {"the network as it is": (as_it_is(network), images)}
    with tempfile.TemporaryDirectory() as folder:
        for engine_name, dtype_name in ENGINES if find_spec("openvino") else ENGINES[:1]:
            choice = EngineChoice(engine_name, "", dtype_name)
            engine = make_engine(network, (3, side, side), Device("cpu"), choice, cache=Cache(Path(folder)))
            runs[f"{engine.name}, {dtype_name}"] = engine, images[: engine.batch_size]
    seconds = {one: min(each) for one, each in timed(runs, rounds).items()}
    base, expected = seconds["the network as it is"], as_it_is(network)(images)
    for one, (run, batch) in runs.items():
        difference = np.abs(run(batch) - expected[: len(batch)]).max() / np.abs(expected).max()
        print(f"| {name} | {one} | {1 / seconds[one]:.0f} | {base / seconds[one]:.2f} | {difference:.1e} |", flush=True)


def as_it_is(network: nn.Module) -> Callable[[Tensor], NDArray[np.float32]]:
    """Return what runs a network eagerly."""

    @torch.inference_mode()
    def run(images: Tensor) -> NDArray[np.float32]:
        return network(images).flatten(1).numpy()

    return run


def timed(
    runs: dict[str, tuple[Callable[[Tensor], NDArray[np.float32]], Tensor]], rounds: int
) -> dict[str, list[float]]:
    """Return the seconds an image of each round of each run, on all cores."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    with ThreadPoolExecutor(available_cores()) as pool:
        for _ in range(rounds):
            for name, (run, batch) in runs.items():
                n_batches = ROUND_IMAGES * available_cores() // len(batch)
                started = time.monotonic()
                list(pool.map(run, [batch] * n_batches))
                found[name].append((time.monotonic() - started) / (n_batches * len(batch)))
    return found


if __name__ == "__main__":
    main()
