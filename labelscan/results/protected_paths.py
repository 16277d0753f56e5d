"""What is never overwritten: the data of a run, its images, its tables, and the decisions of a reviewer.

The user says where reports, verdicts and corrected copies go, and a slip there must not destroy what cannot be made
again. No option turns this off.
"""

import errno
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from labelscan.data.readers import scheme_of
from labelscan.data.readers.folder_listing import is_called_image
from labelscan.errors import DiskError, UsageError
from labelscan.files.reading import with_home
from labelscan.results.run import FinishedRun
from labelscan.results.source import given_place
from labelscan.runs.files import DECISIONS_FILE, RUN_FILE, is_own_file, refuse_outside_links


def refuse_only_read(path: Path, run: FinishedRun, *, data: str = "", makes: Collection[str] = ()) -> None:
    """Raise UsageError where writing ``path`` would replace a file of a run, except ``makes``, or write into its data.

    ``data`` is where the data of ``run``, which the file is about, is now; empty is where the run found it.
    """
    refuse_run_file(path, makes=makes)
    place = given_place(run)
    for text in filter(None, (data, str(run.locate(place)) if place else "")):
        refuse_data(path, text, run_folder=run.folder)
    if path.is_file():
        names = (path.name, path.resolve().name)
        alike = (run.locate(text) for text in run.issues.scores["path"] if text.endswith(names))
        if is_called_image(path.name) or any(image.is_file() and image.samefile(path) for image in alike):
            raise _refusal(path, "there is an image, and images are only read")


def refuse_run_file(path: Path, *, makes: Collection[str] = ()) -> None:
    """Raise UsageError where ``path`` is a file of any run, except ``makes``, or its decisions."""
    place = path.resolve()
    if place.name == DECISIONS_FILE and (place.parent / RUN_FILE).is_file():
        raise _refusal(path, "this is the file of decisions, which is only read")
    if path.name not in makes and is_own_file(path):
        raise _refusal(path, f"this is a file of the run {path.parent}")


def refuse_data(path: Path, data: str, *, run_folder: Path | None = None) -> None:
    """Raise UsageError where ``path`` is DATA, or in one of its class folders.

    Next to the class folders it may be, and in a run folder among them.
    """
    if scheme_of(data):
        return
    root, place = with_home(data), path.resolve()
    refuse_same(path, root, "the data itself")
    is_in_run = run_folder is not None and place.is_relative_to(run_folder.resolve())
    if root.is_dir() and root.resolve() in place.parent.parents and not is_in_run:
        raise _refusal(path, "this lies in the data, which is only read", f"name a file outside {root}")


def refuse_same(path: Path, other: Path, what: str) -> None:
    """Raise UsageError where ``path`` is the file ``other``, which was only read; ``what`` names it."""
    if path.is_file() and other.is_file() and path.samefile(other):
        raise _refusal(path, f"this is {what}, which is only read")


@contextmanager
def in_run_folder(run: FinishedRun, paths: Iterable[Path]) -> Iterator[None]:
    """Turn the system's error that a run folder cannot be written to into one that says what to do.

    Raises:
        RunFolderError: one of ``paths``, which are to be written, is a link that leads out of it.
    """
    refuse_outside_links(run.folder, paths)
    try:
        yield
    except (OSError, DiskError) as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        problem = f"the run folder cannot be written to ({os.strerror(error.errno)})"
        raise _refusal(run.folder, problem, "name a file elsewhere with -o") from error


def _refusal(path: Path, problem: str, hint: str = "name another file") -> UsageError:
    return UsageError("protected-file", problem, where=str(path), hint=hint)
