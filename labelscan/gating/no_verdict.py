"""What becomes of the files of an earlier verdict where there is none now: nobody may take the old one for today's."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from labelscan.errors import LabelscanError
from labelscan.files.atomic import replacing
from labelscan.files.reading import CANNOT_READ, parse_json, read_text
from labelscan.gating.formats.junit import no_verdict

BEGINNINGS = {
    "text": r"(PASSED|FAILED): (the limit is|all limits are|\d+ of \d+ limits (is|are)) (met|exceeded)\n.*label",
    "junit": r'<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="labelscan gate" ',
    "github": r"::(notice|error) title=labelscan gate::",
    "markdown": r"## labelscan gate: (passed|failed)\n",
}
"""How a verdict begins, by its format."""
KEYS = frozenset(["format_version", "passed", "run", "n_scored", "n_suspects", "min_error_probability", "checks"])
"""Some of those that a verdict has as JSON."""


def withdraw(files: Mapping[str, Path], problem: str) -> None:
    """Delete the verdicts of an earlier time in ``files``, by their formats; a JUnit file says what the problem is.

    Any other file stays as it is: nothing has been read yet that says whether it is part of the data.
    """
    for name, path in files.items():
        with contextlib.suppress(*CANNOT_READ, LabelscanError):  # the problem itself says more
            is_old = path.exists() and _is_verdict(name, read_text(path))
            if name == "junit" and (is_old or not path.exists()):
                with replacing(path) as file:
                    file.write(no_verdict(problem))
            elif is_old:
                path.unlink()


def _is_verdict(name: str, text: str) -> bool:
    """Return whether a file is a verdict of this format, and not another one that mentions it."""
    if name not in ("json", "sarif"):
        return name in BEGINNINGS and re.match(BEGINNINGS[name], text) is not None
    match parse_json(text):
        case {"runs": [{"tool": {"driver": {"name": "labelscan"}}}]}:
            return name == "sarif"
        case {**content}:
            return name == "json" and content.keys() >= KEYS
    return False
