"""The development data sets in the forms that labelscan reads.

They are not part of the project: name their folder by ``--data``, with mnist_t10k/, kmnist_t10k/, cifar10n_dev/ and
caltech18/ in it. The idx files of MNIST and KMNIST are put into npz files in a work folder; nothing else is copied.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.noise.plant import plant


@dataclass(frozen=True)
class DataSet:
    """One data set with one kind of wrong labels, and what names it to ``labelscan detect``."""

    name: str
    arguments: tuple[str, ...]
    """DATA and the options that go with it."""


def find_data_sets(data: Path, work: Path) -> dict[str, DataSet]:
    """Return the data sets by name, making what has to be made in ``work``."""
    sets = []
    for folder, kinds in (("mnist_t10k", ("uniform05", "pairs10")), ("kmnist_t10k", ("uniform10", "uneven10"))):
        archive = _from_idx(data / folder, work / f"{folder}.npz")
        for kind in kinds:
            options = ("--label-column", kind, "--true-label-column", "published")
            sets.append(DataSet(f"{folder.partition('_')[0]} {kind}", (str(archive), *options)))
    few, weak = _from_idx(data / "kmnist_t10k", work / "kmnist_few.npz", "symmetric:0.04"), ("--epochs", "4")
    options = (*("--label-column", "given", "--true-label-column", "published"), *weak)
    sets.append(DataSet("kmnist symmetric04 weak", (str(few), *options, "--model", "small-cnn:width=6")))
    cifar = str(data / "cifar10n_dev" / "cifar10n_dev.npz")
    for kind in ("aggre", "random1"):
        options = ("--label-column", f"{kind}_label", "--true-label-column", "clean_label")
        scratch, frozen = ("--model", "small-cnn"), ("--model", "efficientnet-lite0", "--freeze")
        sets.append(DataSet(f"cifar10n {kind}", (cifar, *options, *scratch)))
        sets.append(DataSet(f"cifar10n {kind} frozen", (cifar, *options, *frozen)))
    caltech = str(data / "caltech18" / "truth.csv")
    sets.append(DataSet("caltech18 frozen", (caltech, "--true-label-column", "true_label")))
    return {each.name: each for each in sets}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array in a gzipped idx file of bytes."""
    content = gzip.decompress(path.read_bytes())
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    shape = tuple(int(size) for size in np.frombuffer(content, ">i4", n_dimensions, offset=4))
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _from_idx(folder: Path, archive: Path, noise: str = "") -> Path:
    """Put the images and all labels of a folder into one file, with ``given`` labels where errors are to be planted."""
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        with np.load(folder / "synthetic_labels.npz", allow_pickle=False) as file:
            labels = {name: file[name] for name in file.files}
        if noise:
            published = labels["published"].astype(np.int64)
            labels["given"] = plant(published, int(published.max()) + 1, noise, seed=0)
        np.savez(archive, images=read_idx(folder / "t10k-images-idx3-ubyte.gz"), **labels)
    return archive
