"""A run with the defaults on each data set with real errors, and on clean ones: what other scripts judge.

    python tests/bench/real.py DATA OUTPUT [--only NAME ...] [--seed 0]

DATA is the folder of the development data. OUTPUT/NAME gets the run folder of each set; one that is complete stays.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from data_sets import read_idx

from labelscan.results.issues import SCORES_FILE

TRUE = ("--true-label-column", "true_label")
SEVEN = 7
"""The classes of the faces; further votes are for contempt, unknown and no face."""


def main() -> None:
    """Make all runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--seed", default="0")
    arguments = parser.parse_args()
    tables = arguments.output / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    for name, data, options in sets(arguments.data, tables):
        folder = arguments.output / name
        if (arguments.only and name not in arguments.only) or (folder / SCORES_FILE).is_file():
            continue
        command = [sys.executable, "-m", "labelscan", "detect", str(data), *options, "--seed", arguments.seed]
        start = time.perf_counter()
        finished = subprocess.run([*command, "--output", str(folder), "--quiet"], check=False)
        print(f"{name}: exit code {finished.returncode}, {time.perf_counter() - start:.0f} s", flush=True)


def sets(data: Path, tables: Path) -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    """Yield the name of each set, what labelscan reads, and with which options."""
    yield "yoruba", data / "real_text" / "yoruba_news.csv", TRUE
    for name in ("mbic", "youtube"):
        yield name, data / "real_votes" / f"{name}_dev.csv", TRUE
    with np.load(data / "real_features" / "labelme.npz") as file:
        arrays = {"features": file["features"], "labels": file["labels"], "true_label": file["true_labels"]}
    yield "labelme", saved(tables / "labelme.npz", arrays), TRUE
    for table in sorted((data / "real_tables" / "jira_dev").glob("*.csv")):
        yield f"t_{table.stem}", table, TRUE
    caltech = data / "caltech18"
    yield "caltech_given", caltech / "truth.csv", ("--label-column", "given_label", *TRUE)
    yield "caltech_clean", corrected(caltech, tables / "caltech_clean.csv"), TRUE
    yield "fer", faces(data / "real_votes" / "fer_dev.npz", tables / "fer.npz"), TRUE
    cifar = data / "cifar10n_dev" / "cifar10n_dev.npz"
    for name, column in (("aggre", "aggre_label"), ("random1", "random1_label"), ("clean", "clean_label")):
        options = ("--label-column", column, "--true-label-column", "clean_label")
        yield f"cifar_{name}", cifar, options
    yield "sentiment", data / "real_text" / "sentiment.csv", TRUE
    with np.load(data / "mnist_t10k" / "synthetic_labels.npz") as file:
        labels = {name: file[name] for name in ("uniform05", "published")}
    mnist = tables / "mnist.npz"
    saved(mnist, {"images": read_idx(data / "mnist_t10k" / "t10k-images-idx3-ubyte.gz"), **labels})
    for name, column in (("uniform", "uniform05"), ("published", "published")):
        yield f"mnist_{name}", mnist, ("--label-column", column, "--true-label-column", "published")


def saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Return an archive with these arrays."""
    if not path.is_file():
        np.savez(path, **arrays)
    return path


def corrected(folder: Path, path: Path) -> Path:
    """Return a manifest of caltech18 whose labels are the true ones."""
    table = pd.read_csv(folder / "truth.csv")
    table["file"] = [str((folder / file).resolve()) for file in table["file"]]
    table["label"] = table["true_label"]
    table[["file", "label", "true_label"]].to_csv(path, index=False)
    return path


def faces(source: Path, path: Path) -> Path:
    """Return the faces; a label is wrong where none of ten people gave it, and the most frequent answer is right then.

    Left out are copies with different labels.
    """
    with np.load(source, allow_pickle=False) as file:
        kept = file["copies_conflict"] == 0
        images, labels, votes = (file[name][kept] for name in ("images", "labels", "votes"))
    counts = votes[:, :SEVEN].astype(np.int64)
    rows = np.arange(len(labels))
    without_votes = counts[rows, labels] == 0
    counts[rows, labels] -= without_votes
    true_label = np.where(without_votes, counts.argmax(axis=1), labels)
    return saved(path, {"images": images, "labels": labels, "true_label": true_label})


if __name__ == "__main__":
    main()
