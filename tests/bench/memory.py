"""Peak memory of ``labelscan detect`` on a made-up set that would not fit: 200,000 images of 64 x 64 pixels.

    python tests/bench/memory.py [--examples 200000] [--work DIR]

Writes class folders of JPEG files once, then watches the resident memory (VmHWM) of every process of the run while
it decodes them all and trains the first folds for a minute, and stops it there.
"""

import argparse
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
    parser.add_argument("--examples", type=int, default=200_000)
    parser.add_argument("--work", type=Path, default=Path("labelscan-runs/memory"))
    arguments = parser.parse_args()
    folder = arguments.work / f"images-{arguments.examples}"
    make_images(folder, arguments.examples)
    run = arguments.work / "run"
    command = [
        sys.executable,
        "-m",
        "labelscan",
        "detect",
        str(folder),
        "-o",
        str(run),
        "--fresh",
        "-q",
        "--cache",
        "none",
    ]
    started = time.monotonic()
    process = subprocess.Popen([*command, "--cache", "none", "--epochs", "2", "--folds", "2"])
    peaks: dict[int, float] = {}
    decoded = None
    while process.poll() is None:
        for pid in (process.pid, *children_of(process.pid)):
            peaks[pid] = max(peaks.get(pid, 0.0), peak_megabytes(pid))
        if decoded is None and (run / "store" / "images.npz").is_file():
            decoded = time.monotonic() - started
        if decoded is not None and time.monotonic() - started > decoded + SECONDS_OF_TRAINING:
            process.terminate()
            process.wait()
        time.sleep(0.05)
    print(
        f"{arguments.examples:,} images: decoded after {decoded or 0:.0f} s, then trained for {SECONDS_OF_TRAINING} s"
    )
    print("peak MB of each process, the main one first: " + ", ".join(f"{peaks[pid]:,.0f}" for pid in sorted(peaks)))


def make_images(folder: Path, n_examples: int) -> None:
    """Write noise of its own mean colour for each class, as small JPEG files."""
    if folder.is_dir():
        return
    generator = np.random.default_rng(0)
    partial = folder.with_name(folder.name + ".partial")
    for label in range(N_CLASSES):
        (partial / f"class {label}").mkdir(parents=True, exist_ok=True)
    for row in range(n_examples):
        label = row % N_CLASSES
        coarse = generator.integers(0, 120, (8, 8, 3)) + 13 * label
        image = Image.fromarray(coarse.astype(np.uint8)).resize((64, 64))
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
