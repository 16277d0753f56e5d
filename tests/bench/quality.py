"""How well ``labelscan detect`` finds known wrong labels, by its defaults: every detector and filter, several seeds.

    python tests/bench/quality.py --data DIR [--sets "mnist pairs10" ...] [--seeds 0 1 2] [-- --loss ce]

Each run is the command a user would type, in a process of its own; what stands behind ``--`` is added to it. The
wall time is that of the whole process. Prints one Markdown table: means over the seeds.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from data_sets import DataSet, find_data_sets
from judges import JUDGES, judged, true_errors

from labelscan.detection.detectors import needs_threshold_runs
from labelscan.detection.evidence import Evidence
from labelscan.results.issues import Issues


def main() -> None:
    """Run all cells and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("labelscan-runs/quality"))
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("extra", nargs="*", help="further options of labelscan detect, behind --")
    arguments = parser.parse_args()
    known = find_data_sets(arguments.data, arguments.work)
    names = arguments.sets or list(known)
    print(f"seeds {arguments.seeds}, options {arguments.extra or 'none'}\n")
    print("| set | seconds | judge | F1 | precision | recall | AP |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        runs = [run(known[name], seed, arguments.work, arguments.extra) for seed in arguments.seeds]
        seconds = " ".join(f"{each['seconds']:.0f}" for each in runs)
        for judge in (judge for judge in (*JUDGES, "aum") if judge in runs[0]):
            means = np.mean([each[judge] for each in runs], axis=0)
            print(f"| {name} | {seconds} | {judge} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |", flush=True)


def run(data_set: DataSet, seed: int, work: Path, extra: list[str]) -> dict[str, object]:
    """Run one cell in a fresh folder and return its seconds and the figures of every judge."""
    folder = work / f"{data_set.name.replace(' ', '-')}-{seed}"
    command = [sys.executable, "-m", "labelscan", "detect", *data_set.arguments, "--seed", str(seed), "-o", str(folder)]
    started = time.monotonic()
    subprocess.run([*command, "--fresh", "-q", "--cache", "none", *extra], check=True, stdout=subprocess.DEVNULL)
    figures: dict[str, object] = {"seconds": time.monotonic() - started}
    evidence = Evidence.read(folder / "evidence.npz")
    label_errors = true_errors(Issues.read(folder / "scores.csv"), evidence)
    for judge in (*JUDGES, "aum"):
        if needs_threshold_runs(judge) and evidence.aum_train_margin is None:
            continue
        result = judged(judge, evidence, label_errors)
        figures[judge] = result.f1, result.precision, result.recall, result.average_precision
    return figures


if __name__ == "__main__":
    main()
