"""A run that is kept in a bucket: a run folder here that is uploaded, and downloaded where it is begun again elsewhere.

One process at a time writes such a run. A bucket has no renaming, and needs none: each object is whole or absent. What
says that something is done is uploaded last, so that whatever it speaks of is there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from labelscan.config import fingerprint
from labelscan.errors import StorageError
from labelscan.files import storage
from labelscan.files.atomic import partial_of
from labelscan.files.urls import is_url, name_of
from labelscan.jobs.files import DONE_FILE, LOG_FILE, STORE
from labelscan.runs.files import DEFAULT_PARENT, RUN_FILE, clear, is_uploaded
from labelscan.runs.record import RunRecord


def folder_for(url: str) -> Path:
    """Return where the copy of the run at an address lies on this machine."""
    return DEFAULT_PARENT / f"{name_of(url) or 'run'}-{fingerprint(url.rstrip('/'))[:8]}"


@contextmanager
def status_files(place: Path | str) -> Iterator[Path]:
    """Yield a folder that shows how far a run is: its own, or for an address a copy that is deleted afterwards."""
    if not is_url(str(place)):
        yield Path(place)
        return
    with TemporaryDirectory() as copy:
        for name in filter(is_uploaded, storage.files_below(str(place))):
            if name.rpartition("/")[2] in (RUN_FILE, DONE_FILE, LOG_FILE):
                _download(str(place), name, Path(copy))
        yield Path(copy)


@dataclass(slots=True)
class Bucket:
    """The run at ``url``, and its copy in ``folder``."""

    url: str
    folder: Path
    _same: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Size and time of the files here that are there too, by path."""

    def download(self) -> None:
        """Fetch the run, if there is one; a copy here of another run is deleted first."""
        found = sorted(filter(is_uploaded, storage.files_below(self.url)), key=_order)
        if RUN_FILE not in found:
            clear(self.folder, ())
            return
        before = RunRecord.find(self.folder)
        _download(self.url, RUN_FILE, self.folder)
        now = RunRecord.find(self.folder)
        if not before or not now or before.started != now.started:
            clear(self.folder, ())
        for name in found:
            if _download(self.url, name, self.folder):
                self._same[name] = _state(self.folder / name)

    def upload(self) -> None:
        """Put there what is new or has changed here, and delete there what was deleted here."""
        here = {path.relative_to(self.folder).as_posix(): path for path in self.folder.rglob("*") if path.is_file()}
        names = sorted(filter(is_uploaded, here), key=_order)
        for name in names:
            state = _state(here[name])
            if self._same.get(name) != state:
                try:
                    storage.upload(here[name], f"{self.url.rstrip('/')}/{name}")
                except FileNotFoundError as error:
                    hint = "make the bucket, or name another by -o"
                    raise StorageError("no-bucket", "there is no such bucket", where=self.url, hint=hint) from error
                self._same[name] = state
        for name in self._same.keys() - set(names):
            storage.delete(f"{self.url.rstrip('/')}/{name}")
            del self._same[name]


def _download(url: str, name: str, folder: Path) -> bool:
    """Fetch a file, and return whether it was still there; if not, one of that name here stays as it is."""
    try:
        with partial_of(folder / name) as partial:
            storage.copy(f"{url.rstrip('/')}/{name}", partial)
    except FileNotFoundError:
        return False
    return True


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _order(name: str) -> int:
    """Return when a file is uploaded or fetched, in ascending order: those that speak of others come after them."""
    return 2 if name == RUN_FILE else int(name.endswith(DONE_FILE) or name.startswith(f"{STORE}/"))
