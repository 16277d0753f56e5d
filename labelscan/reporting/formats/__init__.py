"""Formats of a report: each file here writes one, and none computes what the others could not know."""

FORMATS = {"html": "report.html", "markdown": "report.md", "label-studio": "label-studio.json"}
"""The formats of ``labelscan report``, each with the file in the run folder that it is written to."""
