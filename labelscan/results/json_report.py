"""summary.json and benchmark.json: the numbers of a run, or of a benchmark, for gates and scripts."""

from pathlib import Path

from labelscan.atomic import write_json
from labelscan.benchmarking.scoreboard import Scoreboard
from labelscan.results.summary import FILE_NAME, Summary

SCOREBOARD_FILE = "benchmark.json"


def write_summary(summary: Summary, run_folder: Path) -> None:
    """Write summary.json."""
    write_json(run_folder / FILE_NAME, summary.to_json())


def write_scoreboard_json(scoreboard: Scoreboard, folder: Path) -> None:
    """Write benchmark.json."""
    write_json(folder / SCOREBOARD_FILE, scoreboard.to_json())
