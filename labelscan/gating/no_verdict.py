"""What becomes of the files of an earlier verdict where there is none now: nobody may take the old one for today's."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelscan.errors import LabelscanError
from labelscan.files.atomic import replacing
from labelscan.files.reading import CANNOT_READ, parse_json, read_text
from labelscan.gating.formats.junit import no_verdict

BEGINNINGS: Mapping[str, tuple[str, ...]] = {
    "junit": ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="labelscan gate" ',),
    "github": ("::notice title=labelscan gate::", "::error title=labelscan gate::"),
    "markdown": ("## labelscan gate: passed\n", "## labelscan gate: failed\n"),
}
"""How a verdict begins, by its format."""
_TEXT = re.compile(r"(PASSED|FAILED): (the limit is|all limits are|\d+ of \d+ limits (is|are)) (met|exceeded)\n.*label")
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
    if name == "json":
        content = parse_json(text)
        return isinstance(content, dict) and content.keys() >= KEYS
    if name == "sarif":
        return _is_our_log(parse_json(text))
    if name == "text":
        return _TEXT.match(text) is not None
    return text.startswith(BEGINNINGS.get(name, ("\0",)))


def _is_our_log(content: Any) -> bool:
    try:
        (run,) = content["runs"]
        return bool(run["tool"]["driver"]["name"] == "labelscan")
    except (KeyError, TypeError, ValueError):
        return False
