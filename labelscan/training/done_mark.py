"""The mark of a finished fold: written last, so that whatever lies beside it is whole."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from labelscan.atomic import read_json, replacing
from labelscan.reading import fits
from labelscan.training.shard_files import DONE_FILE


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneMark:
    """How a fold ended."""

    fingerprint: str
    """That of its job."""
    held_out_accuracy: float | None
    """None where nothing was held out."""
    learned_nothing: bool
    """Whether its model agrees with held-out labels no more than by chance."""
    seconds: float
    """How long its training took, in all processes that took part in it."""
    warnings: Sequence[str]
    method: str = ""
    """That of its job, which another machine's is too."""
    host: str = ""
    """Where it was finished."""

    def write(self, shard: Path) -> None:
        """Write the mark into the folder of a fold, all other files of which are there."""
        with replacing(shard / DONE_FILE) as file:
            json.dump(asdict(self), file)

    @classmethod
    def read(cls, shard: Path) -> "DoneMark | None":
        """Return the mark in the folder of a fold, or None where there is none that can be read."""
        try:
            content = read_json(shard / DONE_FILE)
        except (OSError, ValueError):
            return None
        if not fits(content, cls):
            return None
        known = {
            field.name: content[field.name] for field in fields(cls) if field.name in content
        }  # another version may write more
        return cls(**known)  # type: ignore[arg-type]  # checked just above
