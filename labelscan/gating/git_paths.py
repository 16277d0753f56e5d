"""Paths as a code hosting service knows them: from the root of the git repository, wherever in it a run was started."""

import os
from pathlib import Path, PurePath

from labelscan.files.urls import is_url


def roots_of(started_in: str) -> tuple[Path, ...]:
    """Return the folders that paths may start from, the best first: the repository around a folder, and the folder."""
    if not started_in:
        return ()
    folder = Path(started_in)
    repository = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    return (folder,) if repository is None else (repository, folder)


def from_root(roots: tuple[Path, ...], path: str) -> str:
    """Return a path with / between folders, relative to the first of the roots that contains it, if any does.

    A relative ``path`` starts from the last of the roots. An address stays as it is.
    """
    if not path or is_url(path):
        return path
    whole = Path(os.path.normpath(Path(roots[-1], path) if roots else path))
    root = next((one for one in roots if whole.is_relative_to(one)), None)
    return PurePath(os.path.normpath(path)).as_posix() if root is None else whole.relative_to(root).as_posix()
