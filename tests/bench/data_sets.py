"""The development data sets in the forms that labelscan reads.

They are not part of the project: name their folder, with mnist_t10k/, kmnist_t10k/, cifar10n_dev/, caltech18/,
real_text/, real_features/, real_votes/ and real_tables/ in it. What is in another form is written anew in a work
folder.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelscan.noise.plant import plant

TRUE = ("--true-label-column", "true_label")
PLANTED, PUBLISHED = "published; errors are planted", "published; none is known to be wrong"
SEVEN = 7
"""The classes of the faces; further votes are for contempt, unknown and no face."""


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


@dataclass(frozen=True)
class RealSet:
    """One data set with real label errors, planted ones, or none, and what names it to ``labelscan detect``."""

    name: str
    data: Path
    options: tuple[str, ...]
    truth: str
    """Who says what the true labels are."""


def sets_with_truth(data: Path, tables: Path) -> Iterator[RealSet]:
    """Yield all data sets whose true labels are known, making what has to be made in the folder ``tables``."""
    tables.mkdir(parents=True, exist_ok=True)
    yield RealSet("yoruba", data / "real_text" / "yoruba_news.csv", TRUE, "people; labels by rules")
    yield RealSet("mbic", data / "real_votes" / "mbic_dev.csv", TRUE, "experts; labels by a crowd")
    yield RealSet("youtube", data / "real_votes" / "youtube_dev.csv", TRUE, "people; labels by rules")
    yield RealSet("sentiment", data / "real_text" / "sentiment.csv", TRUE, "published; labels by one person")
    with np.load(data / "real_features" / "labelme.npz") as file:
        arrays = {"features": file["features"], "labels": file["labels"], "true_label": file["true_labels"]}
    yield RealSet("labelme", _saved(tables / "labelme.npz", arrays), TRUE, "published; labels by one person")
    for table in sorted((data / "real_tables" / "jira_dev").glob("*.csv")):
        yield RealSet(f"t_{table.stem}", table, TRUE, "developers; labels by a rule")
    yield RealSet("fer", _faces(data / "real_votes" / "fer_dev.npz", tables / "fer.npz"), TRUE, "none of ten votes")
    cifar, true = data / "cifar10n_dev" / "cifar10n_dev.npz", ("--true-label-column", "clean_label")
    for name, truth in (("aggre", "published; labels by three people"), ("random1", "published; labels by one person")):
        yield RealSet(f"cifar_{name}", cifar, ("--label-column", f"{name}_label", *true), truth)
    caltech = data / "caltech18"
    yield RealSet("caltech_given", caltech / "truth.csv", ("--label-column", "given_label", *TRUE), PLANTED)
    with np.load(data / "mnist_t10k" / "synthetic_labels.npz") as file:
        labels = {name: file[name] for name in ("uniform05", "published")}
    mnist, true = tables / "mnist.npz", ("--true-label-column", "published")
    _saved(mnist, {"images": read_idx(data / "mnist_t10k" / "t10k-images-idx3-ubyte.gz"), **labels})
    yield RealSet("mnist_uniform", mnist, ("--label-column", "uniform05", *true), PLANTED)
    yield RealSet("caltech_clean", _corrected(caltech, tables / "caltech_clean.csv"), TRUE, PUBLISHED)
    yield RealSet("mnist_published", mnist, ("--label-column", "published", *true), PUBLISHED)
    clean = ("--label-column", "clean_label", "--true-label-column", "clean_label")
    yield RealSet("cifar_clean", cifar, clean, PUBLISHED)


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


def _saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Return an archive with these arrays."""
    if not path.is_file():
        np.savez(path, **arrays)
    return path


def _corrected(folder: Path, path: Path) -> Path:
    """Return a manifest of caltech18 whose labels are the true ones."""
    table = pd.read_csv(folder / "truth.csv")
    table["file"] = [str((folder / file).resolve()) for file in table["file"]]
    table["label"] = table["true_label"]
    table[["file", "label", "true_label"]].to_csv(path, index=False)
    return path


def _faces(source: Path, path: Path) -> Path:
    """Return an archive of faces. A label is wrong where none of ten people gave it: their commonest answer is right.

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
    return _saved(path, {"images": images, "labels": labels, "true_label": true_label})
