"""Few examples and a plain model: labelscan's list beside that of cleanlab's default filter on the same probabilities.

    python tests/bench/weak.py DATA OUTPUT [--rows 500 1000] [--seed 0] [--only NAME ...]

Each set of ``data_sets.sets_with_truth`` is cut to some rows at random. A plain model, as many users have it, predicts
them out of fold: TF-IDF and logistic regression for texts, a random forest for tables and features, a small network for
images. OUTPUT keeps the probabilities, so another call only judges them. Prints a Markdown table, and means of its
columns.
"""

import argparse
import io
from pathlib import Path

import numpy as np
import pandas as pd
from data_sets import sets_with_truth
from judges import judged, read
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labelscan.config import DatasetConfig
from labelscan.data import readers
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Texts
from labelscan.images.sources import ImageSource

FOLDS = 5
SIDE = 32
"""Images are averaged down to this height and width, in pixels, before the plain model sees them."""
DEFAULT_FILTER = "confident-learning:filter_by=prune_by_noise_rate"
COLUMNS = "wrong | accuracy | F1 | precision | flagged | cleanlab F1 | cleanlab precision | cleanlab flagged"


def main() -> None:
    """Predict what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("--rows", nargs="+", type=int, default=[500, 1000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    print(f"| set | rows | {COLUMNS} |\n|{' --- |' * 10}")
    rows = []
    for one in sets_with_truth(arguments.data, arguments.output):
        if arguments.only and one.name not in arguments.only:
            continue
        for n_rows in arguments.rows:
            archive = arguments.output / f"{one.name}-{n_rows}-{arguments.seed}.npz"
            if not archive.is_file():
                np.savez(archive, **predictions(one.data, one.options, n_rows, arguments.seed))
            cells = row_of(archive)
            rows.append(cells)
            print(f"| {one.name} | {n_rows} | {written(cells)} |", flush=True)
    print(f"| mean | | {written(pd.DataFrame(rows).mean())} |")


def predictions(data: Path, options: tuple[str, ...], n_rows: int, seed: int) -> dict[str, np.ndarray]:
    """Return out-of-fold probabilities, given labels and true labels of some rows."""
    named = dict(zip(options[::2], options[1::2], strict=True))
    columns = {name.removeprefix("--").replace("-", "_"): value for name, value in named.items()}
    dataset = readers.read(DatasetConfig(data=str(data), **columns))
    assert dataset.true_labels is not None
    assert dataset.true_class_names is not None
    known = {name: number for number, name in enumerate(dataset.class_names)}
    truth = np.array([known[dataset.true_class_names[label]] for label in dataset.true_labels])
    some = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:n_rows])
    classes, given = np.unique(dataset.given_labels[some], return_inverse=True)
    enough = np.bincount(given)[given] >= FOLDS
    some = some[enough]
    classes, given = np.unique(dataset.given_labels[some], return_inverse=True)
    rows, model = plain(dataset, some, seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    pred_probs = cross_val_predict(model, rows, given, cv=folds, method="predict_proba")
    # A true class that no label names is one that no model can predict: such a label is wrong whatever is said.
    position = np.full(len(dataset.class_names), len(classes))
    position[classes] = np.arange(len(classes))
    return {"pred_probs": pred_probs, "given_labels": given, "true_labels": position[truth[some]]}


def plain(dataset: Dataset, some: np.ndarray, seed: int) -> tuple[object, object]:
    """Return the rows and the model that many users would begin with."""
    inputs = dataset.inputs
    forest = RandomForestClassifier(300, random_state=seed, n_jobs=-1)
    if isinstance(inputs, Texts):
        return inputs.texts[some], make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    if isinstance(inputs, FeatureTable):
        return inputs.features[some], forest
    if isinstance(inputs, ColumnTable):
        return inputs.frame.iloc[some].select_dtypes("number").fillna(0).to_numpy(), forest
    network = make_pipeline(StandardScaler(), MLPClassifier((100,), early_stopping=True, random_state=seed))
    assert isinstance(inputs, ImageSource)
    return np.stack([pixels(inputs, int(row)) for row in some]), network


def pixels(images: ImageSource, row: int) -> np.ndarray:
    """Return an image as a row of numbers, averaged down."""
    content = images.read(row)
    photo = Image.open(io.BytesIO(content)) if isinstance(content, bytes) else Image.fromarray(content.squeeze())
    return np.asarray(photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)).ravel()


def row_of(archive: Path) -> list[float]:
    """Return the cells of a row as numbers."""
    evidence, label_errors = read(archive)
    ours, usual = (judged(one, evidence, label_errors) for one in ("noise-posterior", DEFAULT_FILTER))
    accuracy = float((evidence.pred_probs.argmax(axis=1) == evidence.given_labels).mean())
    cells = [float(label_errors.mean()), accuracy]
    for found in (ours, usual):
        cells += [found.f1, found.precision, found.n_flagged / len(evidence)]
    return cells


def written(cells: "list[float] | pd.Series") -> str:
    """Return cells as Markdown."""
    return " | ".join(f"{cell:.3f}" for cell in cells)


if __name__ == "__main__":
    main()
