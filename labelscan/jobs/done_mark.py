"""The DONE mark of a job, written last; it is read without loading torch, so that a run can be watched."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from labelscan.files.atomic import read_json, replacing
from labelscan.jobs.files import DONE_FILE

OWN_CHECKSUM = "checksum_of_this"
"""The entry of a mark for the checksum of all others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How a job went, in a few figures."""

    seconds: float
    """How long it took, in all processes that took part in it."""
    held_out_agreement: float | None = None
    """None where nothing was held out."""
    learned_nothing: bool = False
    """Whether its model agrees with held-out labels no more than by chance."""
    settled_after: int = 0
    """After how many epochs its training ended since it had settled; 0 where it did not."""
    warnings: tuple[str, ...] = ()
    host: str = ""
    """Where it was finished."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneMark(Figures):
    """How a job ended, and what its output was made from."""

    made_from: str
    """That of the job."""
    made_where: str
    """The fingerprint of where it ran."""
    checksum: str
    """That of the output."""

    @classmethod
    def read(cls, folder: Path) -> "DoneMark | None":
        """Return the mark in the folder of a job, or None where there is none that can be read."""
        try:
            content = read_json(folder / DONE_FILE)
            is_whole = content.pop(OWN_CHECKSUM, None) == _checksum_of(content)
            return msgspec.convert(content, cls) if is_whole else None
        except (OSError, ValueError):
            return None

    def write(self, folder: Path) -> None:
        """Write the mark into the folder of a job."""
        content = asdict(self)
        with replacing(folder / DONE_FILE) as file:
            json.dump({**content, OWN_CHECKSUM: _checksum_of(content)}, file)


def _checksum_of(mark: Mapping[str, object]) -> str:
    """Return the checksum of a mark: its warnings are part of the results."""
    return f"{zlib.crc32(json.dumps(mark).encode()):08x}"
