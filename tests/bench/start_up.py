"""Seconds from a command to its result where there is little to do: most of them go into starting.

    python tests/bench/start_up.py [--times 3]

Prints the least wall time, and the least processor time of the command and all its processes, of several runs. The
machine should do nothing else.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

N_ROWS = 500


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        make_table().to_csv(Path(folder, "table.csv"), index=False)
        make_table().drop(columns="label").to_csv(Path(folder, "refused.csv"), index=False)
        for data in ("refused.csv", "table.csv", "demo:digits?noise=symmetric:0.1"):
            command = ["labelscan", "detect", data, "-o", "run", "--fresh", "-q", "--cache", "none"]
            runs = [seconds([sys.executable, "-m", *command], Path(folder)) for _ in range(times)]
            wall, processor = (min(taken) for taken in zip(*runs, strict=True))
            print(f"{data}: {wall:.1f} s, {processor:.1f} s of processor time", flush=True)


def make_table() -> pd.DataFrame:
    """Return eight columns of numbers and two of categories, with labels of three classes."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, N_ROWS)
    numbers = {f"x{column}": generator.normal(size=N_ROWS) + labels * (column % 3) for column in range(8)}
    colours = np.array(["red", "green", "blue", "grey"])[(labels + generator.integers(0, 2, N_ROWS)) % 4]
    towns = np.array(["Bern", "Rome", "Paris"])[generator.integers(0, 3, N_ROWS)]
    return pd.DataFrame({**numbers, "colour": colours, "town": towns, "label": np.array(["a", "b", "c"])[labels]})


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """Return wall time and processor time of a command, whatever its exit code."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
