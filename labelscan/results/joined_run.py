"""A run as a process has joined it, and whether it is still the same: others may have finished it, or begun it anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labelscan.atomic import look_anew, read_json
from labelscan.data import storage
from labelscan.errors import JudgedMeanwhile, RunFolderError
from labelscan.reading import CANNOT_READ, parse_json, patiently, why
from labelscan.results.run_files import RUN_FILE
from labelscan.results.run_record import GENERATION

READ_AGAIN = 5
"""Times that run.json is read again before it counts as unreadable: a network drive may fail where it was replaced."""


class StartedOverError(RunFolderError):
    """The run that this process has joined is there no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedRun:
    """What a run was when this process joined it. Picklable."""

    path: Path
    address: str
    """That of the bucket that the run is kept in; empty is none."""
    generation: str
    """Empty where an earlier labelscan began the run."""
    was_finished: bool

    def check(self) -> None:
        """Raise where the run is no longer the same.

        Raises:
            StartedOverError: it has started over, or goes on otherwise.
            JudgedMeanwhile: it is finished since, and its inputs are gone.
        """
        now = self._record()
        if now is None or (self.generation and now.get(GENERATION) != self.generation):
            problem = "the run has started over since this process joined it, or goes on with other versions or devices"
            raise StartedOverError(problem, where=self._place, hint="give the same command again to join it anew")
        if now.get("state") == "finished" and not self.was_finished:
            raise JudgedMeanwhile

    @property
    def _place(self) -> str:
        return self.address or str(self.path)

    def _record(self) -> Mapping[str, object] | None:
        """Return run.json as it is now, or None where there is none."""
        if not self.address:
            look_anew(self.path)
        try:
            return patiently(self._read, times=READ_AGAIN)
        except FileNotFoundError:
            return None
        except CANNOT_READ as error:
            problem, hint = f"{RUN_FILE} cannot be read ({why(error)})", "give the same command again"
            raise RunFolderError(problem, where=self._place, hint=hint) from error

    def _read(self) -> Mapping[str, object]:
        if not self.address:
            return read_json(self.path / RUN_FILE)
        record: Mapping[str, object] = parse_json(storage.read(f"{self.address.rstrip('/')}/{RUN_FILE}").decode())
        return record
