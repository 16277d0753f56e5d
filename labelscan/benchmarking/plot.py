"""benchmark.png: F1 of every loss and detector, one panel a noise; readable without colour.

Without pyplot: nothing outside the figure is changed, and no display is needed.
"""

import math
from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelscan.benchmarking.scoreboard import Scoreboard
from labelscan.files.atomic import replacing_bytes

FILE_NAME = "benchmark.png"
METRIC, TITLE = "f1", "F1, mean over seeds and 95 % interval"
LOOKS = (
    *(("o", "black"), ("s", "white"), ("^", "0.55"), ("D", "black"), ("v", "white"), ("P", "0.55")),
    *(("X", "black"), ("o", "white"), ("s", "0.55"), ("^", "black"), ("D", "white"), ("v", "0.55")),
)
"""Marker and fill of each detector: no two share both, and neighbours share neither."""
PANELS_A_ROW = 3
PANEL_WIDTH, LINE_HEIGHT = 3.4, 0.17
"""Inches; a line is one detector of one loss."""
LEAST_SPAN = 0.1
"""The least range of the F1 axis: in a smaller one noise looks like a finding."""
LONGEST_NAME = 30


def write_scoreboard_plot(scoreboard: Scoreboard, folder: Path) -> None:
    """Write benchmark.png."""
    content = BytesIO()
    _draw(scoreboard).savefig(content, format="png", dpi=160, metadata={"Software": None})
    with replacing_bytes(folder / FILE_NAME) as file:
        file.write(content.getvalue())


def _draw(scoreboard: Scoreboard) -> Figure:
    noises = list(scoreboard.table.groupby("noise", sort=False))
    n_rows = math.ceil(len(noises) / PANELS_A_ROW)
    n_columns = math.ceil(len(noises) / n_rows)
    lines = len(scoreboard.losses) * (len(scoreboard.detectors) + 1)
    legend_lines = math.ceil(len(scoreboard.detectors) / max(n_columns, 2)) + 1
    names_width = 0.08 * max(len(line) for loss in scoreboard.losses for line in _name(loss).splitlines())
    height = n_rows * (0.85 + LINE_HEIGHT * max(lines, 6)) + 0.22 * legend_lines + 0.3
    figure = Figure(figsize=(names_width + PANEL_WIDTH * max(n_columns, 1.4), height), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).flatten()
    for panel, (noise, rows) in zip(panels, noises, strict=False):
        _draw_panel(panel, rows, scoreboard)
        panel.set_title(_shortened(str(noise)), fontsize="medium", parse_math=False)
        panel.set_xlabel(TITLE, fontsize="small")
        panel.tick_params(axis="x", labelbottom=True, labelsize="small")
    for panel in panels[len(noises) :]:
        panel.set_visible(False)
    panels[0].set_xlim(*_limits(scoreboard))
    panels[0].set_ylim(len(scoreboard.losses) - 0.5, -0.5)
    figure.suptitle(f"{scoreboard.data}, {scoreboard.n_examples:,} examples", parse_math=False, fontsize="medium")
    handles, names = panels[0].get_legend_handles_labels()
    legend = figure.legend(
        handles, names, loc="outside lower center", ncols=max(n_columns, 2), frameon=False, fontsize="small"
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _draw_panel(panel: Axes, rows: pd.DataFrame, scoreboard: Scoreboard) -> None:
    """Draw one row a loss, in it one line a detector."""
    losses, detectors = scoreboard.losses, scoreboard.detectors
    for place, detector in enumerate(detectors):
        marker, fill = LOOKS[place % len(LOOKS)]
        points = rows[rows["detector"] == detector]
        panel.errorbar(
            points[METRIC],
            [losses.index(loss) + (place + 1) / (len(detectors) + 1) - 0.5 for loss in points["loss"]],
            xerr=points[f"{METRIC}_interval"].fillna(0.0),
            fmt=marker,
            markersize=6,
            markerfacecolor=fill,
            markeredgecolor="black",
            ecolor="0.35",
            elinewidth=1,
            capsize=2.5,
            label=detector,
        )
    panel.set_yticks(range(len(losses)), [_name(loss) for loss in losses], fontsize="small", parse_math=False)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="0.88")
    panel.set_axisbelow(True)
    for boundary in range(1, len(losses)):
        panel.axhline(boundary - 0.5, color="0.8", linewidth=0.8)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)


def _limits(scoreboard: Scoreboard) -> tuple[float, float]:
    """Return a range of F1 that holds every point.

    Intervals of two or three seeds can be wider than all differences: they are cut off at the edge, rather than
    squeeze the points together.
    """
    low, high = scoreboard.table[METRIC].min(), scoreboard.table[METRIC].max()
    margin = max((high - low) * 0.25, (LEAST_SPAN - (high - low)) / 2)
    return max(low - margin, -0.01), min(high + margin, 1.01)


def _name(loss: str) -> str:
    """Return a loss with its options on a line of their own."""
    return "\n".join(map(_shortened, loss.replace(":", ":\n", 1).splitlines()))


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
