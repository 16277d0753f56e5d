"""The state of a running job, its checkpoint and its log, in a folder that the driver and the job's process both see.

It is a ``run_job.JobState``; executors whose processes see no folder of the driver keep theirs elsewhere. The log is
read without loading torch, so that a run can be watched.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from labelscan.events import EpochDone, Event, Warned
from labelscan.files.atomic import replacing_bytes, writing
from labelscan.files.reading import parse_json
from labelscan.jobs.files import CHECKPOINT_FILE, LOG_FILE


@dataclass(frozen=True, slots=True)
class FolderState:
    """The state of a job in a folder."""

    folder: Path

    @property
    def _checkpoint(self) -> Path:
        return self.folder / CHECKPOINT_FILE

    @property
    def _log(self) -> Path:
        return self.folder / LOG_FILE

    def read(self) -> bytes | None:
        try:
            return self._checkpoint.read_bytes()
        except OSError:
            return None

    def write(self, content: bytes) -> None:
        with replacing_bytes(self._checkpoint) as file:
            file.write(content)

    def delete(self) -> None:
        self._checkpoint.unlink(missing_ok=True)

    def record(self, event: EpochDone | Warned) -> None:
        with writing(self._log):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(event)) + "\n")
                file.flush()
                if isinstance(event, Warned):
                    os.fsync(file.fileno())  # the DONE mark repeats it, in another process if this one is killed

    def events(self) -> list[Event]:
        return list(self.events_from(0)[0])

    def clear(self) -> None:
        """Delete checkpoint and log: what left them was another job."""
        for path in (self._checkpoint, self._log):  # and nothing else: the folder may hold what is not ours
            path.unlink(missing_ok=True)

    def begin(self) -> int:
        """Make the log whole again, whose writer may have been killed within a line, and return its size."""
        if not self._log.is_file():
            return 0
        whole = self._log.read_bytes().rfind(b"\n") + 1
        os.truncate(self._log, whole)
        return whole

    def events_from(self, offset: int) -> tuple[Sequence[EpochDone | Warned], int]:
        """Return the epochs and warnings in the log from ``offset`` on, in bytes, and the new offset."""
        try:
            with self._log.open("rb") as file:
                file.seek(offset)
                text = file.read()
        except OSError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        events = (_event_of(line) for line in whole.splitlines())
        return [event for event in events if event is not None], offset + len(whole)

    def last_epoch(self) -> EpochDone | None:
        """Return the last epoch in the log, or None."""
        epochs = [event for event in self.events() if isinstance(event, EpochDone)]
        return epochs[-1] if epochs else None


def _event_of(line: bytes) -> EpochDone | Warned | None:
    """Return the event in a line of the log, or None where it was damaged."""
    try:
        content = parse_json(line.decode())
        return EpochDone(**content) if "epoch" in content else Warned(**content)
    except (ValueError, TypeError):
        return None
