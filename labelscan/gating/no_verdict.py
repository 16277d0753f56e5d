"""What becomes of the files of an earlier verdict where there is none now: nobody may take the old one for today's."""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from labelscan.files.atomic import replacing
from labelscan.files.reading import read_text
from labelscan.gating.formats import Format, RecognisedFormat


def withdraw(files: Mapping[str, Path], problem: str, find: Callable[[str], Format]) -> None:
    """Delete the verdicts of an earlier time in ``files``, or write what the problem is where a format can say it.

    Any other file stays as it is: nothing has been read yet that says whether it is part of the data.

    Args:
        files: by the name of the format.
        problem: why there is no verdict.
        find: returns the format of a name.
    """
    for name, path in files.items():
        with contextlib.suppress(Exception):  # also of another package's code; the problem itself says more
            _withdraw(find(name), path, problem)


def _withdraw(form: Format, path: Path, problem: str) -> None:
    if not isinstance(form, RecognisedFormat):
        return
    is_old = path.exists() and form.is_verdict(read_text(path))
    if form.no_verdict is not None and (is_old or not path.exists()):
        with replacing(path) as file:
            file.write(form.no_verdict(problem))
    elif is_old:
        path.unlink()
