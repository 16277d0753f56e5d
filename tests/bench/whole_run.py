"""Whole ``labelscan detect`` against the usual way: seconds, memory and F1, side by side in one run.

    python tests/bench/whole_run.py --data DIR [--only arrays|photos]

Every line is a process of its own. ``seconds`` is its wall time with start and imports, ``memory`` the peak of its
largest process. F1 is that of cleanlab's default filter in all, since that is what the usual way ends with, and of
noise-posterior beside it where labelscan gives it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from data_sets import find_data_sets


@dataclass(frozen=True)
class Measured:
    """One process."""

    name: str
    seconds: float
    megabytes: float
    f1: str


def main() -> None:
    """Run all lines and print them, each pair with its ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("labelscan-runs/bench"))
    parser.add_argument("--only", choices=("arrays", "photos"))
    parser.add_argument("--photo-epochs", default="10", help="of the usual way with photos, which takes long")
    arguments = parser.parse_args()
    sets = find_data_sets(arguments.data, arguments.work)
    if arguments.only != "photos":
        archive, labels = str(arguments.work / "mnist_t10k.npz"), "uniform05"
        given = archive, labels, "published"
        usual = usual_way("usual way, two-convolution CNN", "arrays", *given)
        same = usual_way("labelscan, the same CNN", "ours", *given, str(arguments.work / "same"))
        ours = sets["mnist uniform05"].arguments
        quick = detect("labelscan, --config quick", (*ours, "--config", "quick"), arguments.work)
        show(usual, [same, quick, detect("labelscan, defaults", ours, arguments.work)])
    if arguments.only != "arrays":
        folder = arguments.data / "caltech18"
        given = str(folder / "images"), str(folder / "truth.csv"), arguments.photo_epochs
        usual = usual_way(f"usual way, frozen backbone, epochs: {arguments.photo_epochs}", "photos", *given)
        show(usual, [detect("labelscan, --freeze", (*sets["caltech18 frozen"].arguments, "--freeze"), arguments.work)])


def detect(name: str, data: tuple[str, ...], work: Path) -> Measured:
    """Measure ``labelscan detect`` as a user types it."""
    folder = work / "detect"
    command = ["-m", "labelscan", "detect", *data, "-o", str(folder), "--fresh", "-q", "--cache", "none"]
    seconds, megabytes, _ = measured(command)
    quality = json.loads((folder / "summary.json").read_text())["against_truth"]["quality"]
    f1 = f"{quality['confident-learning']['f1']:.3f} ({quality['noise-posterior']['f1']:.3f})"
    return Measured(name, seconds, megabytes, f1)


def usual_way(name: str, *arguments: str) -> Measured:
    """Measure the script of that name, which prints its F1."""
    seconds, megabytes, output = measured([str(Path(__file__).with_name("usual_way.py")), *arguments])
    return Measured(name, seconds, megabytes, f"{json.loads(output.splitlines()[-1])['f1']:.3f}")


def measured(arguments: list[str]) -> tuple[float, float, str]:
    """Run Python with ``arguments`` and return seconds, peak MB of its largest process, and what it printed."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {status}")
    return time.monotonic() - started, usage.ru_maxrss / 1024, output


def show(usual: Measured, ours: list[Measured]) -> None:
    """Print a table of one usual way and what stands against it."""
    print("| | seconds | memory, MB | F1 (noise-posterior) | times as fast |\n| --- | --- | --- | --- | --- |")
    for each in (usual, *ours):
        ratio = f"{usual.seconds / each.seconds:.1f}"
        print(f"| {each.name} | {each.seconds:.0f} | {each.megabytes:.0f} | {each.f1} | {ratio} |", flush=True)
    print()


if __name__ == "__main__":
    main()
