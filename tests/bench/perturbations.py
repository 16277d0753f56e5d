"""Whether anything jumps: what a run says of a label when a twentieth of the data comes or goes.

    python tests/bench/perturbations.py DATA [DATA ...] [--draws 20]

A DATA is a table with the columns label (or given_label) and true_label, a CSV file with text or image files, or an
npz archive with images, labels and true_labels. Each draw leaves out a random twentieth of all labels, and once more a
twentieth of the right ones: read the other way round, this adds a twentieth of right examples. Prints a Markdown table:
how many of 1,000 labels that both runs judge move from below .3 to above .7 or back, on average and at most.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import labelscan
from labelscan.arrays import Mask

LOW, HIGH = 0.3, 0.7
LEFT_OUT = 0.05


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path, metavar="DATA")
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    print("| set | labels | left out, mean | most | added, mean | most | between runs, in the 99.9th of 100 |")
    print(f"|{' --- |' * 7}")
    for source in arguments.sources:
        table = read(source)
        is_right = (table["label"].astype(str) == table["true_label"].astype(str)).to_numpy()
        everything = error_probability(table, np.ones(len(table), dtype=bool))
        cells = []
        shifts = []
        for may_go in (np.ones(len(table), dtype=bool), is_right):
            moved = []
            for seed in range(arguments.draws):
                some = error_probability(table, kept(may_go, seed))
                both = pd.concat([everything, some], axis=1, join="inner").to_numpy()
                moved.append(1000 * np.mean((both.min(axis=1) < LOW) & (both.max(axis=1) > HIGH)))
                shifts.append(np.quantile(np.abs(both[:, 0] - both[:, 1]), 0.999))
            cells.append(f"{np.mean(moved):.2f} | {max(moved):.2f}")
        print(f"| {source.stem} | {len(table):,} | {' | '.join(cells)} | {np.mean(shifts):.2f} |", flush=True)


def read(source: Path) -> pd.DataFrame:
    """Return a table with id, label and true_label, and what else the source has."""
    if source.suffix == ".npz":
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("images", "labels", "true_labels")}
        table = pd.DataFrame({"label": arrays["labels"], "true_label": arrays["true_labels"]})
        table["images"] = list(arrays["images"])
    else:
        table = pd.read_csv(source).rename(columns={"given_label": "label"})
        table = table.drop(columns=["is_error", "source_file", "width", "height"], errors="ignore")
        if "file" in table:
            table["file"] = [str(source.parent.resolve() / file) for file in table["file"]]
    table["id"] = [f"row-{row}" for row in range(len(table))]
    return table


def kept(may_go: Mask, seed: int) -> Mask:
    """Return (N,) which labels stay if a twentieth of those that may go goes."""
    rows = np.flatnonzero(may_go)
    rng = np.random.default_rng(seed)
    stays = np.ones(len(may_go), dtype=bool)
    stays[rng.choice(rows, round(LEFT_OUT * len(rows)), replace=False)] = False
    return stays


def error_probability(table: pd.DataFrame, rows: Mask) -> pd.Series:
    """Return the error probabilities of some labels by a run with the defaults, by id."""
    some = table[rows].drop(columns="true_label")
    with tempfile.TemporaryDirectory() as folder:
        if "images" in some:
            data = Path(folder) / "data.npz"
            ids = some["id"].to_numpy(dtype=np.str_)
            np.savez(data, images=np.stack(list(some["images"])), labels=some["label"], ids=ids)
        else:
            data = Path(folder) / "data.csv"
            some.to_csv(data, index=False)
        scores = labelscan.detect(data, output=Path(folder) / "run").issues.scores
    return scores.set_index("example_id")["error_probability"].dropna()


if __name__ == "__main__":
    main()
