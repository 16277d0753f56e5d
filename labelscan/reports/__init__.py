"""Reports: the result of a run in the form that somebody wants to read it in.

Each file here writes one form; none of them computes anything that the others could not know.
"""

FORMATS = {"html": "report.html", "markdown": "report.md", "label-studio": "label-studio.json"}
"""The forms of ``labelscan report``, each with the file in the run folder that it is written to."""
