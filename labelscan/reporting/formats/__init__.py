"""Formats of a report, each in a file of its own, all with the same content.

To add one, write a file here and a line in ``FORMATS``.
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
    """A format that a report is written in."""

    file_name: str
    """Its file in the run folder."""
    writer: str
    """The function that writes a page to a path, as ``package.module:name``; imported when it is called."""
    beside: tuple[str, ...] = ()
    """What else it writes into the run folder."""

    def write(self, page: "ReportPage", path: Path) -> None:
        """Write the page."""
        pkgutil.resolve_name(self.writer)(page, path)


FORMATS: Mapping[str, ReportFormat] = {
    "html": ReportFormat("report.html", "labelscan.reporting.formats.html:write_html"),
    "markdown": ReportFormat("report.md", "labelscan.reporting.formats.markdown:write_markdown"),
    "label-studio": ReportFormat(
        "label-studio.json",
        "labelscan.reporting.formats.label_studio:write_label_studio",
        beside=("label-studio.interface.xml",),
    ),
}
FILE_NAMES = tuple(one.file_name for one in FORMATS.values())
