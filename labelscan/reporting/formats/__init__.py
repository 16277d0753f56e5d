"""Formats of a report: each file here writes one, and none computes what the others could not know.

To add one, write a file beside these and a line in ``FORMATS``.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labelscan.reporting.page import ReportPage


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A form that a report is written in."""

    file_name: str
    """The file in the run folder that it is written to."""
    writer: str
    """The function that writes a page into a file, as ``package.module:name``; imported when it is called."""

    def write(self, page: "ReportPage", path: Path) -> None:
        """Write the page."""
        pkgutil.resolve_name(self.writer)(page, path)


FORMATS: Mapping[str, ReportFormat] = {
    "html": ReportFormat("report.html", "labelscan.reporting.formats.html:write_html"),
    "markdown": ReportFormat("report.md", "labelscan.reporting.formats.markdown:write_markdown"),
    "label-studio": ReportFormat("label-studio.json", "labelscan.reporting.formats.label_studio:write_label_studio"),
}
"""The formats of ``labelscan report``."""
FILE_NAMES = tuple(one.file_name for one in FORMATS.values())
