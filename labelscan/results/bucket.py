"""A run that is kept in a bucket: a copy of it here, what is new put there, and what others have made fetched.

A bucket has no renaming, and needs none: each object is whole or absent. What says that something is done (marks of
shards, side files, run.json) is put last and fetched last, so that whatever it speaks of is there. Large files that
only some steps read (rows of images, outputs of folds, checkpoints) are fetched when those begin.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from labelscan.atomic import partial_of
from labelscan.config import fingerprint
from labelscan.data import storage
from labelscan.data.storage import Status
from labelscan.errors import StorageError
from labelscan.results.run_files import DEFAULT_PARENT, LEASES, RUN_FILE, is_shared_file
from labelscan.training.shard_files import CHECKPOINT_FILE, DONE_FILE, FAILED_FILE, LOG_FILE, OUTPUT_FILE
from labelscan.urls import is_url, name_of

NO_BUCKET = "make the bucket, or name another by -o"
PUT_SECONDS = 30.0
"""The most work that is only here: checkpoints and logs are put as often."""
LOOK_SECONDS = 1.0
"""The least time between two listings."""
LARGE = (OUTPUT_FILE, CHECKPOINT_FILE)
"""Names of files that are fetched only when they are asked for; so are rows, which are npy files."""

TELLING = (RUN_FILE, DONE_FILE, FAILED_FILE, LOG_FILE)
"""Names of files that tell how far a run is."""


def folder_for(url: str) -> Path:
    """Return where the copy of the run at an address lies on this machine."""
    return DEFAULT_PARENT / f"{name_of(url) or 'run'}-{fingerprint(url.rstrip('/'))[:8]}"


@contextmanager
def what_tells(place: Path | str) -> Iterator[Path]:
    """Yield a folder that tells how far a run is: its own, or for an address a copy that is deleted afterwards.

    The copy has run.json, marks and logs; other files are empty in it.
    """
    if not is_url(str(place)):
        yield Path(place)
        return
    with TemporaryDirectory() as copy:
        for name in filter(is_shared_file, storage.files_below(str(place))):
            path = Path(copy) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            if path.name in TELLING:
                with suppress(FileNotFoundError):  # it was deleted just now
                    storage.copy(f"{str(place).rstrip('/')}/{name}", path)
        yield Path(copy)


@dataclass(frozen=True, slots=True)
class LeasesInBucket:
    """Leases as objects, which a storage makes for one process alone where it is asked for a new one."""

    url: str

    def names(self) -> list[str]:
        """Return the names of all leases."""
        return list(storage.files_in(self.url))

    def read(self, name: str) -> bytes:
        """Return a lease."""
        return storage.read(f"{self.url}/{name}")

    def create(self, name: str, content: bytes) -> None:
        """Make an object that is not there."""
        try:
            storage.write(f"{self.url}/{name}", content, only_new=True)
        except FileExistsError:
            with suppress(FileNotFoundError):  # it was let go just now
                if self.read(name) == content:  # it is this one, of which only the answer was lost
                    return
            raise

    def replace(self, name: str, content: bytes) -> None:
        """Write over an object that is there a moment before."""
        if name not in self.names():
            raise FileNotFoundError(name)
        storage.write(f"{self.url}/{name}", content)

    def delete(self, name: str) -> None:
        """Delete an object."""
        storage.delete(f"{self.url}/{name}")

    def leave(self) -> None:
        """Do nothing: a bucket has no folders."""


def leases_at(url: str) -> LeasesInBucket:
    """Return the leases of the run at an address."""
    return LeasesInBucket(f"{url.rstrip('/')}/{LEASES}")


@dataclass(slots=True)
class Bucket:
    """The files of a run at ``url``, and their copies in ``folder``."""

    url: str
    folder: Path
    _there: dict[str, Status] = field(default_factory=dict)
    """What was fetched or put last, by path."""
    _here: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Size and time of its copy then."""
    _looked: float = float("-inf")
    _put: float = float("-inf")

    @property
    def leases(self) -> LeasesInBucket:
        return leases_at(self.url)

    def fetch(self, *wanted: str, always: bool = True) -> None:
        """Fetch what is new there: all small files, and large ones whose path begins with one of ``wanted``.

        What was deleted there is deleted here, and so is, at first, whatever an earlier process has left here that is
        not known to be the same: what is there counts.

        Args:
            wanted: such as ``fold-0-1/`` or ``store/features.npy``.
            always: whether it is listed anew although that was done a moment ago.
        """
        if not always and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        found = {name: one for name, one in storage.files_below(self.url).items() if is_shared_file(name)}
        if self._looked == float("-inf"):
            for name in [name for name, _ in self._files() if name not in found or _is_large(name)]:
                (self.folder / name).unlink(missing_ok=True)
        self._looked = time.monotonic()
        for name in sorted(found, key=_is_mark):
            is_wanted = not _is_large(name) or any(name.startswith(one) for one in wanted)
            if is_wanted and self._is_new(name, found[name]):
                self._fetch_one(name, found[name])
        for name in [name for name in self._there if name not in found]:
            with suppress(OSError):
                if self._here.get(name) == _state(self.folder / name):  # else it was made anew here
                    (self.folder / name).unlink()
            self._forget(name)

    def put(self, *, always: bool = True) -> None:
        """Put there what is new here, and delete there what was deleted here.

        ``always`` does so although it was done less than ``PUT_SECONDS`` ago.
        """
        if not always and time.monotonic() - self._put < PUT_SECONDS:
            return
        self._put = time.monotonic()
        here = dict(self._files())
        for name in sorted(here, key=_is_mark):
            if self._here.get(name) != here[name] and self._put_one(name):
                self._here[name], self._there[name] = here[name], Status()
        for name in [name for name in self._here if name not in here]:
            storage.delete(f"{self.url.rstrip('/')}/{name}")
            self._forget(name)

    def _put_one(self, name: str) -> bool:
        """Return whether a file was put there, and not deleted here just now."""
        try:
            storage.upload(self.folder / name, f"{self.url.rstrip('/')}/{name}")
        except FileNotFoundError as error:
            if (self.folder / name).exists():
                raise StorageError("there is no such bucket", where=self.url, hint=NO_BUCKET) from error
            return False
        return True

    def _is_new(self, name: str, status: Status) -> bool:
        """Return whether a file there is not the one that is here."""
        if name not in self._there:
            return True
        if self._there[name] == Status():  # it was put from here: the next listing says what it is called there
            self._there[name] = status
        return self._there[name] != status

    def _fetch_one(self, name: str, status: Status) -> None:
        path = self.folder / name
        with suppress(FileNotFoundError), partial_of(path) as partial:  # it was deleted there just now
            storage.copy(f"{self.url.rstrip('/')}/{name}", partial)
        if path.is_file():
            self._there[name], self._here[name] = status, _state(path)

    def _forget(self, name: str) -> None:
        self._there.pop(name, None)
        self._here.pop(name, None)

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            with suppress(OSError):
                if is_shared_file(name) and path.is_file():
                    yield name, _state(path)


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _is_large(name: str) -> bool:
    return name.endswith((".npy", *LARGE))


def _is_mark(name: str) -> int:
    """Return when a file is put or fetched: those that speak of others come after them."""
    if name == RUN_FILE:
        return 2
    return int(name.endswith(DONE_FILE) or (name.startswith("store/") and name.endswith(".npz")))
