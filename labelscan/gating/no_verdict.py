"""What becomes of the files of an earlier verdict where there is none now: nobody may take the old one for today's."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from labelscan.atomic import replacing
from labelscan.errors import LabelscanError
from labelscan.gating.formats.junit import no_verdict
from labelscan.reading import check_is_file

MARKS: Mapping[str, tuple[bytes, ...]] = {
    "text": (b"labels are suspects", b"labels is a suspect"),
    "json": (b'"min_error_probability"',),
    "junit": (b'<testsuites name="labelscan gate"',),
    "sarif": (b'"name": "labelscan"',),
    "github": (b"title=labelscan gate::",),
    "markdown": (b"## labelscan gate: ",),
}
"""What the first ``LOOKED_AT`` bytes of a verdict have, by its format."""
LOOKED_AT = 1 << 16


def withdraw(files: Mapping[str, Path], problem: str) -> None:
    """Delete the verdicts of an earlier time in ``files``, by their formats; a JUnit file says what the problem is.

    Any other file stays as it is: nothing has been read yet that says whether it is part of the data.
    """
    for name, path in files.items():
        with contextlib.suppress(OSError, LabelscanError):  # the problem itself says more
            is_old = _is_verdict(name, path)
            if name == "junit" and (is_old or not path.exists()):
                with replacing(path) as file:
                    file.write(no_verdict(problem))
            elif is_old:
                path.unlink()


def _is_verdict(name: str, path: Path) -> bool:
    if not path.exists():
        return False
    check_is_file(path)
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    return any(mark in start for mark in MARKS.get(name, ()))
