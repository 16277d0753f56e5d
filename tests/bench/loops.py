"""Whether README's loop says the truth in each of three rounds: detect, decide, re-score, correct, detect again.

    python tests/bench/loops.py TABLE [TABLE ...] [--loops 10] [--rounds 3] [--decisions 50] [--listed 50]

A TABLE is a file with the columns label and true_label: texts, columns of numbers, or image files. labelscan sees a
copy without true_label. Each round decides the first labels of measure.csv and of issues.csv by it. Prints a Markdown
table with a row for each TABLE and statement: how often it holds, its mean ends, and how many labels are wrong.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import pandas as pd

import labelscan
from labelscan import Decision, Run
from labelscan.runs.files import MEASURE_FILE


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE")
    parser.add_argument("--loops", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--decisions", type=int, default=50)
    parser.add_argument("--listed", type=int, default=50)
    arguments = parser.parse_args()
    print(f"| set | statement | holds | of | at least | at most | wrong |\n|{' --- |' * 7}")
    for table in arguments.tables:
        said: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
        for seed in range(arguments.loops):
            with tempfile.TemporaryDirectory() as folder:
                for statement, low, high, n_wrong in loop(table, Path(folder), seed, arguments):
                    said[statement].append((low, high, n_wrong))
        for statement, rows in said.items():
            held = sum(low <= n_wrong <= high for low, high, n_wrong in rows)
            low, high, n_wrong = pd.DataFrame(rows).mean()
            ends = f"{low:,.1f} | {high:,.1f} | {n_wrong:,.1f}"
            print(f"| {table.stem} | {statement} | {held} | {len(rows)} | {ends} |", flush=True)


def loop(table: Path, folder: Path, seed: int, arguments: argparse.Namespace) -> list[tuple[str, float, float, int]]:
    """Return what each round says: of what, at least and at most how many labels are wrong, and how many are."""
    frame = pd.read_csv(table).rename(columns={"given_label": "label"})
    frame["id"] = [f"row-{row}" for row in range(len(frame))]
    if "file" in frame:
        frame["file"] = [str(table.parent.resolve() / file) for file in frame["file"]]
    truth = dict(zip(frame["id"], frame["true_label"].astype(str), strict=True))
    data = folder / "data.csv"
    frame.drop(columns=["true_label", "is_error", "source_file"], errors="ignore").to_csv(data, index=False)
    said = []
    for number in range(1, arguments.rounds + 2):
        output = folder / f"run-{number}"
        settings = labelscan.settings(seed=seed)
        run = labelscan.detect(data, settings=settings, output=output)
        given = dict(zip(*pd.read_csv(data, dtype=str)[["id", "label"]].to_numpy().T, strict=True))
        n_wrong = sum(label != truth[one] for one, label in given.items())
        if number > 1:
            said.append((f"{number - 1}: left", *ends(run), n_wrong))
        if number > arguments.rounds:
            break
        sample = pd.read_csv(output / MEASURE_FILE, dtype=str)["example_id"][: arguments.decisions]
        listed = run.issues.flagged["example_id"][: arguments.listed]
        decisions = [decide(one, given[one], truth[one]) for one in dict.fromkeys([*sample, *listed])]
        run = labelscan.detect(data, settings=settings, output=output, decisions=decisions)
        said.append((f"{number}: measured", *ends(run), n_wrong))
        data = labelscan.apply(run, decisions=decisions, output=folder / f"corrected-{number}.csv").output
    return said


def decide(example_id: str, given: str, truth: str) -> Decision:
    """Return what a person says who is never mistaken."""
    if given == truth:
        return Decision(example_id=example_id, verdict="keep", given_label=given)
    return Decision(example_id=example_id, verdict="relabel", new_label=truth, given_label=given)


def ends(run: Run) -> tuple[float, float]:
    """Return at least and at most how many labels are wrong."""
    wrong = run.summary.wrong_labels
    return wrong.low, float("inf") if wrong.high is None else wrong.high


if __name__ == "__main__":
    main()
