"""Peak memory of ``labelscan detect`` on made-up sets of two sizes: it must not grow with the number of images.

    python tests/bench/memory.py [--examples 50000 200000] [--size 64 64] [--model auto] [--work DIR]
    python tests/bench/memory.py --examples 12500 50000 --size 500 375 --model efficientnet-lite0

Writes class folders of JPEG files once, then watches the resident memory (VmHWM) of every process of a run while
it makes pixels or features of them all and trains the first folds for a minute, and stops it there.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

N_CLASSES = 10
SECONDS_OF_TRAINING = 60


def main() -> None:
    """Make the images, run, and print the peaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--size", type=int, nargs=2, default=[64, 64], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--model", default="auto")
    parser.add_argument("--work", type=Path, default=Path("labelscan-runs/memory"))
    arguments = parser.parse_args()
    for n_examples in arguments.examples:
        width, height = arguments.size
        folder = arguments.work / f"images-{n_examples}-{width}x{height}"
        make_images(folder, n_examples, (width, height))
        measure(folder, n_examples, arguments.model, arguments.work / "run")


def measure(folder: Path, n_examples: int, model: str, run: Path) -> None:
    """Print how long the inputs of the models took, and the peak memory of each process."""
    command = ["detect", str(folder), "-o", str(run), "-q", "--cache", "none", "--model", model]
    shutil.rmtree(run, ignore_errors=True)  # what says that the inputs are made must not be of an earlier run
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "labelscan", *command, "--epochs", "2", "--folds", "2"])
    peaks: dict[int, float] = {}
    made = None
    while process.poll() is None:
        for pid in (process.pid, *children_of(process.pid)):
            peaks[pid] = max(peaks.get(pid, 0.0), peak_megabytes(pid))
        if made is None and list((run / "store").glob("*.npz")):
            made = time.monotonic() - started
        if made is not None and time.monotonic() - started > made + SECONDS_OF_TRAINING:
            process.terminate()
            process.wait()
        time.sleep(0.05)
    print(f"{n_examples:,} images: pixels or features made after {made or 0:.0f} s, then trained for a minute at most")
    print("peak MB of each process, the main one first: " + ", ".join(f"{peaks[pid]:,.0f}" for pid in sorted(peaks)))


def make_images(folder: Path, n_examples: int, size: tuple[int, int]) -> None:
    """Write noise of its own mean colour for each class, as JPEG files."""
    if folder.is_dir():
        return
    generator = np.random.default_rng(0)
    partial = folder.with_name(folder.name + ".partial")
    for label in range(N_CLASSES):
        (partial / f"class {label}").mkdir(parents=True, exist_ok=True)
    for row in range(n_examples):
        label = row % N_CLASSES
        coarse = generator.integers(0, 120, (8, 8, 3)) + 13 * label
        image = Image.fromarray(coarse.astype(np.uint8)).resize(size)
        image.save(partial / f"class {label}" / f"{row:06}.jpg", quality=85)
    partial.rename(folder)


def children_of(pid: int) -> list[int]:
    """Return the processes below ``pid``."""
    try:
        direct = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [each for child in direct for each in (child, *children_of(child))]


def peak_megabytes(pid: int) -> float:
    """Return the largest resident memory that a process has had."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    main()
