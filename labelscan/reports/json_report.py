"""summary.json: the numbers of a run for gates and scripts."""

from pathlib import Path

from labelscan.atomic import write_json
from labelscan.summary import FILE_NAME, Summary


def write_summary(summary: Summary, run_folder: Path) -> None:
    """Write summary.json."""
    write_json(run_folder / FILE_NAME, summary.to_json())
