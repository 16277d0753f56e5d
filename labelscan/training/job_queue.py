"""The jobs of a run that are still to do, of which this process takes those that no other works on.

Each is taken by its lease, so that any number of processes and machines may work on one run. What another has finished
is done, what another works on is waited for, and what it leaves when it dies is taken over.
"""

import time
from collections.abc import Sequence
from typing import Generic, TypeVar

from labelscan import interruption
from labelscan.errors import Interrupted
from labelscan.events import Event, Listener, Noted, Waiting
from labelscan.leases import Leases
from labelscan.training.shard import Shard

Job = TypeVar("Job", bound=Shard)
POLL_SECONDS = 0.2
LOOK_SECONDS = 1.0
"""Between two looks at what others work on: each asks the storage about every job that is left."""


class LeaseLost(Interrupted):  # nothing went wrong
    """This process was so slow that another one has taken the job over."""


class JobQueue(Generic[Job]):
    """What is left of some jobs.

    Args:
        jobs: those of a run that were not finished when it was begun.
        leases: those of the run.
        notify: is told of what other processes do.
    """

    def __init__(self, jobs: Sequence[Job], leases: Leases, notify: Listener) -> None:
        self._left = {job.name: job for job in jobs}
        self._mine: set[str] = set()
        self._offsets: dict[str, int] = {}
        self._told: set[str] = set()
        self._leases, self._notify, self._looked = leases, notify, float("-inf")

    def __len__(self) -> int:
        """Return how many jobs are not finished, by this process or by another."""
        return len(self._left)

    def take(self) -> Job | None:
        """Return a job that this process is to carry out, or None where others work on all that are left."""
        if self._others and time.monotonic() - self._looked < LOOK_SECONDS:
            return None
        self._leases.refresh()
        for name, job in list(self._left.items()):
            if name in self._mine or self._is_finished(job):
                continue
            if self._leases.take(name):
                if self._is_finished(job):  # between the look at its mark and the lease
                    self._leases.release(name)
                    continue
                self._mine.add(name)
                return job.held_by(self._leases.owner(name))
            self._tell_who(name)
        self._looked = time.monotonic()
        return None

    def end(self, job: Job) -> None:
        """Let go of a job, whether it is finished or not."""
        self._mine.discard(job.name)
        if job.finished() is not None:
            self._left.pop(job.name, None)
        self._leases.release(job.name)

    def is_lost(self, job: Job) -> bool:
        """Return whether another process has taken a job over that this one carries out."""
        return not self._leases.holds(job.name)

    def while_wanted(self, job: Job) -> Listener:
        """Return a listener that ends the training of a job where another process has taken it over, or asks for it."""

        def listen(event: Event) -> None:
            self._notify(event)
            if self.is_lost(job):
                raise LeaseLost("another process has taken over")
            if job.is_asked_to_stop:
                raise Interrupted("asked to stop")

        return listen

    def began(self, job: Job, offset: int) -> None:
        """Pass on what the log of a job says from ``offset`` on, in bytes."""
        self._offsets[job.name] = offset

    def follow(self, job: Job) -> None:
        """Pass on what is new in the log of a job."""
        events, self._offsets[job.name] = job.events_from(self._offsets.get(job.name, 0))
        for event in events:
            self._notify(event)

    def look(self) -> int:
        """Hear what other processes do with the jobs, and return how many are not finished."""
        self._leases.refresh()
        for job in list(self._left.values()):
            if not self._is_finished(job):
                self.follow(job)
        return len(self._left)

    def wait(self) -> None:
        """Let a moment pass, and hear what others are doing."""
        time.sleep(POLL_SECONDS)
        for job in self._others:
            self.follow(job)
        self._notify(Waiting())
        interruption.check()

    @property
    def _others(self) -> list[Job]:
        return [job for name, job in self._left.items() if name not in self._mine and name in self._told]

    def _is_finished(self, job: Job) -> bool:
        done = job.finished()
        if done is not None:
            self.follow(job)
            self._notify(done)
            self._told.discard(job.name)
            del self._left[job.name]
        return done is not None

    def _tell_who(self, name: str) -> None:
        holder = self._leases.holder(name)
        if holder is not None and name not in self._told:
            self._told.add(name)
            self._notify(Noted(f"{name} is carried out by {holder}"))


def one_after_another(queue: JobQueue[Job]) -> None:
    """Carry out what is left in this process.

    Raises:
        LabelscanError: whatever a job ended with.
    """
    while queue:
        job = queue.take()
        if job is None:
            queue.wait()
            continue
        try:
            job.begin()
            job.run(queue.while_wanted(job))
        except LeaseLost:
            continue
        except Exception as error:
            if not queue.is_lost(job):  # else what was in the way was made by who has it now
                raise job.failure(error) from error
        finally:
            queue.end(job)
