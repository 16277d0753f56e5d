"""Links in a run folder that lead out of it: a run that writes through one would replace a file elsewhere.

A run folder may come from anyone, such as an archive. The folder itself may be a link, as may files that a user names.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from labelscan.errors import RunFolderError


def refuse_outside_links(folder: Path, paths: Iterable[Path]) -> None:
    """Raise RunFolderError where one of ``paths`` in a run folder is a link to a place outside it."""
    top = os.path.realpath(folder)
    for path in paths:
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(top):
            raise RunFolderError(
                "link-outside",
                f"this link leads out of the run folder, to {path.readlink()}",
                where=str(path),
                hint="put there what it leads to; only the run folder as a whole may be a link",
            )
