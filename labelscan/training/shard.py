"""A shard: a piece of a run that any process may carry out which sees the run folder and its data.

It has a name, a folder of its own, and a mark there that is written last. Who carries one out twice gets the same.
"""

from collections.abc import Sequence
from typing import Protocol, Self

from labelscan.errors import LabelscanError
from labelscan.events import Event, Listener


class Shard(Protocol):
    """A fold, an extra training, or a part of the inputs. Picklable."""

    @property
    def name(self) -> str:
        """Return the name, which no other shard of the run has; its lease has it too."""

    def held_by(self, owner: str) -> Self:
        """Return the same for the holder of its lease."""

    def begin(self) -> int:
        """Delete what another job has left, and return the size of the log of this one, if it goes on."""

    def run(self, notify: Listener) -> None:
        """Carry it out or resume it; ``notify`` hears all the time that time has passed."""

    def finished(self) -> Event | None:
        """Return how it ended, or None where it has not."""

    def ask_to_stop(self) -> None:
        """Ask the process that carries it out for the same holder to end in order."""

    @property
    def is_asked_to_stop(self) -> bool:
        """Return whether this holder was asked to."""

    def events_from(self, offset: int) -> tuple[Sequence[Event], int]:
        """Return what its log tells from ``offset`` on, in bytes, and the new offset."""

    def failure(self, error: BaseException) -> LabelscanError:
        """Return one error that says what failed and what can be done, and leave the reason in the shard."""
