"""Which loss finds most errors: one table of several benchmarks, and a plot.

    labelscan benchmark ... -o RUN        # as configs/losses.toml says, for each data set and number of epochs
    python tests/bench/losses.py RUN ... [--plot losses.png]

F1 of each loss, the mean over all noises and seeds that every loss of the run has; with its difference to ce on the
same errors, and how often it was above ce.
"""

import argparse
import json
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

BASE = "ce"
DETECTORS = {
    "noise-posterior": "noise-posterior",
    "confident-learning": "confident-learning",
    "confident-learning:filter_by=both": "confident-learning, both",
}


def main() -> None:
    """Print a table for each detector, and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    measured = pd.concat([read(run) for run in arguments.runs])
    for detector, title in DETECTORS.items():
        print(f"\n{title}\n\n{table(measured[measured['detector'] == detector])}")
    if arguments.plot is not None:
        draw(measured).savefig(arguments.plot, dpi=110, metadata={"Software": None})


def read(run: Path) -> pd.DataFrame:
    """Return the measurements of a benchmark, of the noises and seeds that all losses have."""
    epochs = json.loads((run / "run.json").read_text(encoding="utf-8"))["settings"]["training"]["epochs"]
    rows = pd.read_csv(run / "measurements.csv")
    errors = ["noise", "seed", "detector"]
    rows = rows[rows.groupby(errors)["loss"].transform("nunique") == rows["loss"].nunique()]
    name = run.name.removesuffix(f"-{epochs}")
    return rows.assign(data=name, epochs=epochs, column=f"{name}, {epochs} epochs")


def table(rows: pd.DataFrame) -> str:
    """Return Markdown: a row a loss, best first, and a column a benchmark."""
    errors = ["column", "noise", "seed"]
    f1 = rows.pivot(index=errors, columns="loss", values="f1")
    over = f1.sub(f1[BASE], axis=0)
    means = f1.groupby("column", sort=False).mean().T
    columns = list(dict.fromkeys(rows["column"]))
    order = means.mean(axis=1).sort_values(ascending=False).index
    lines = [f"| loss | {' | '.join(columns)} | over {BASE} | above it |", "| --- " * (len(columns) + 3) + "|"]
    for loss in order:
        cells = " | ".join(f"{means.loc[loss, column]:.3f}" for column in columns)
        above = f"{(over[loss] > 0).sum()} of {over[loss].notna().sum()}"
        lines.append(f"| {loss} | {cells} | {over[loss].mean():+.3f} | {'' if loss == BASE else above} |")
    return "\n".join(lines)


def draw(measured: pd.DataFrame) -> Figure:
    """Return one panel a data set and detector: a line a loss, on it F1 of short and of long trainings."""
    names, losses = list(dict.fromkeys(measured["data"])), list(dict.fromkeys(measured["loss"]))
    detectors = [next(iter(DETECTORS)), list(DETECTORS)[-1]]
    figure = Figure(figsize=(3.1 * len(names) + 1, 6.4), layout="constrained")
    panels = figure.subplots(len(detectors), len(names), sharex="col", sharey=True, squeeze=False)
    for row, detector in enumerate(detectors):
        for column, name in enumerate(names):
            panel = panels[row, column]
            some = measured[(measured["detector"] == detector) & (measured["data"] == name)]
            for fill, (epochs, group) in zip(("white", "black", "0.6"), some.groupby("epochs"), strict=False):
                means = group.groupby("loss")["f1"].mean().reindex(losses)
                panel.plot(means, range(len(losses)), "o", color="black", mfc=fill, label=f"{epochs} epochs")
            panel.set_title(f"{name}, {DETECTORS[detector]}", fontsize="small")
            panel.set_yticks(range(len(losses)), losses, fontsize="small")
            panel.tick_params(axis="x", labelsize="small")
            panel.grid(color="0.9")
            panel.set_axisbelow(True)
            panel.legend(fontsize="x-small", loc="lower left", frameon=False)
    panels[0, 0].invert_yaxis()
    figure.supxlabel("F1, mean over noises and seeds", fontsize="small")
    return figure


if __name__ == "__main__":
    main()
