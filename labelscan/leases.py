"""Leases: which process works on what, told by files alone, so that every machine that sees a folder may join.

A lease is a file that one process has made and no other could make. Its holder writes it anew every few seconds, with a
number that goes up: its heart beats. Clocks are never compared: others watch the number, and where it stood still for
``LEASE_SECONDS`` of their own time, or the process is known to have ended, the first of them to make the file of the
next term takes over. A holder that was only slow finds that later, and gives up.

Leases save work and do not guard results: what two processes make at once, each makes whole, and it is the same.
"""

import contextlib
import json
import os
import platform
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from labelscan.errors import StorageError
from labelscan.lease_places import Folder, Place
from labelscan.processes import host_key, is_running, started
from labelscan.reading import fits, parse_json

HEART_SECONDS = 5.0
"""Between two beats of a holder."""
LEASE_SECONDS = 60.0
"""How long a heart may stand still before the holder counts as dead."""
GAP_SECONDS = 15.0
"""Between two answers of the storage, at most: where it stood still, or who looks, all hearts are watched anew."""
_RECORD_BYTES = 1024
"""Every record has this length: it is written over the last one, and so never cut off for long."""
_NAME = re.compile(r"(?P<name>.+)\.(?P<term>[0-9]+)\.lease", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The process that holds a lease, as it says itself."""

    owner: str = field(default_factory=lambda: uuid4().hex)
    """A text that no other holder has, nor this one for another lease."""
    host: str = field(default_factory=platform.node)
    host_key: str = field(default_factory=host_key)
    process: int = field(default_factory=os.getpid)
    started: str = field(default_factory=lambda: started(os.getpid()))
    """When the process began, as its host counts it."""
    since: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """By the clock of its host."""
    beat: int = 0

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"

    @property
    def is_here(self) -> bool:
        """Return whether it is a process of this host, of which is known whether it runs."""
        return self.host_key == host_key()

    @property
    def has_ended(self) -> bool:
        """Return whether it is known to have ended: another process may have its number since."""
        if not self.is_here:
            return False
        began = started(self.process)  # empty where only its user may see it
        return not is_running(self.process) or (bool(began) and began != self.started)

    @property
    def is_running(self) -> bool:
        """Return whether it is known to run; where that is not known, its beats tell."""
        return self.is_here and bool(self.started) and not self.has_ended

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode().ljust(_RECORD_BYTES - 1) + b"\n"

    @classmethod
    def of(cls, record: bytes) -> "Holder | None":
        """Return the holder that a record names, or None where it is being written."""
        try:
            content = parse_json(record.decode())
        except ValueError:
            return None
        return cls(**content) if fits(content, cls) and content.keys() <= set(cls.__slots__) else None


@dataclass(slots=True)
class _Held:
    name: str
    next: str
    """That of the next term."""
    holder: Holder
    is_lost: bool = False
    beating: threading.Lock = field(default_factory=threading.Lock)
    """Is held while it is written or deleted: what is written after it was deleted would make it anew."""


class Leases:
    """The leases of one place: those that this process holds, as a context until it ends, and those of others.

    Args:
        place: where they are kept; a path is a folder.
        refresh: is called before anybody looks at what others have done, where that must be fetched.
        sender: who has sent this process to work; the owner of each of its leases begins with it.
    """

    def __init__(self, place: Place | Path, refresh: Callable[[str], None] | None = None, *, sender: str = "") -> None:
        self.place = Folder(place) if isinstance(place, Path) else place
        self._refresh, self._sender = refresh, sender
        self._held: dict[str, _Held] = {}
        self.guard: Callable[[], None] = lambda: None
        """Is called when a lease was taken, and raises where nothing is to be made any more; then it is let go."""
        self._seen: dict[str, tuple[bytes, float]] = {}
        """What stood in the lease of another, and since when."""
        self._answered = time.monotonic()
        """When the storage last said what stands in a lease."""
        self._stopped, self._heart = threading.Event(), threading.Thread(target=self._beat, name="leases", daemon=True)

    def __enter__(self) -> "Leases":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self._stopped.set()
        for name in list(self._held):
            self.release(name)
        if self._heart.is_alive():
            self._heart.join()
        self.place.leave()

    def refresh(self, name: str = "") -> None:
        """Fetch what others have done, where that is not seen at once; of the shard ``name`` everything."""
        if self._refresh is not None:
            self._refresh(name)

    def take(self, name: str) -> bool:
        """Return whether this process holds the lease ``name`` now: nobody did, or whoever did is dead.

        What others have made before is fetched then.

        Raises:
            DiskError: the disk does not take the file.
            OSError: it cannot be written for another reason.
        """
        if self.holds(name):
            return True
        if not self._take(name):
            return False
        try:
            self.guard()
            self.refresh(name)
        except BaseException:
            self.release(name)
            raise
        return True

    def _take(self, name: str) -> bool:
        term = max(self._terms(name), default=0)
        if term and not self._is_dead(_lease(name, term)):
            return False
        held = _Held(_lease(name, term + 1), _lease(name, term + 2), Holder(owner=f"{self._sender}{uuid4().hex}"))
        try:
            self.place.create(held.name, held.holder.to_bytes())
        except FileExistsError:
            return False
        others = [other for other in self._terms(name) if other != term + 1]
        if any(other > term for other in others):  # others were faster by two terms
            self.place.delete(held.name)
            return False
        for other in others:
            self.place.delete(_lease(name, other))
        self._held[name] = held
        if not self._heart.is_alive():
            self._heart.start()
        return True

    def once(
        self, name: str, *, is_made: Callable[[], bool], make: Callable[[], object], wait: Callable[[], None]
    ) -> None:
        """Return when something is made, by this process or by another that holds the lease ``name`` for it.

        Args:
            name: the lease under which it is made.
            is_made: whether it is there.
            make: makes it.
            wait: lets a moment pass.
        """
        while not is_made():
            if not self.take(name):
                wait()
                continue
            try:
                if not is_made():
                    make()
            finally:
                self.release(name)

    def is_free(self, name: str) -> bool:
        """Return whether nobody holds a lease, as far as is known; it is not taken."""
        term = max(self._terms(name), default=0)
        return not term or self._is_dead(_lease(name, term))

    def holds(self, name: str) -> bool:
        """Return whether this process holds a lease, as far as its last beat told."""
        return name in self._held and not self._held[name].is_lost

    def owner(self, name: str) -> str:
        """Return a text that no other holder of this lease has."""
        return self._held[name].holder.owner

    def release(self, name: str) -> None:
        """Let others take a lease; nothing happens where it is not held."""
        held = self._held.get(name)
        if held is None:
            return
        held.is_lost = True  # its heart beats no more
        try:
            with held.beating, contextlib.suppress(OSError, StorageError):  # others then wait for its heart to stop
                if self._is_mine(held):
                    self.place.delete(held.name)
        finally:
            self._held.pop(name, None)

    def confirm(self, name: str) -> bool:
        """Return whether this process holds a lease by what is written there now, and not at its last beat."""
        held = self._held.get(name)
        return held is not None and not held.is_lost and self._is_mine(held)

    def holder(self, name: str) -> Holder | None:
        """Return who holds a lease; None where nobody does, or it cannot be told."""
        try:
            term = max(self._terms(name), default=None)
            return None if term is None else Holder.of(self.place.read(_lease(name, term)))
        except (OSError, StorageError):  # released just now, or the storage does not answer
            return None

    def others(self) -> dict[str, Holder]:
        """Return the holders of leases of other processes that are not known to be dead, by name."""
        found = {name: holder for name, holder in self.held().items() if name not in self._held}
        return {name: holder for name, holder in found.items() if not self.is_free(name)}

    def held(self) -> dict[str, Holder]:
        """Return the holders of all leases whose processes are not known to have ended, by name."""
        names = {made["name"] for made in map(_NAME.fullmatch, self.place.names()) if made}
        found = {name: self.holder(name) for name in sorted(names)}
        return {name: holder for name, holder in found.items() if holder is not None and not holder.has_ended}

    def _is_dead(self, lease: str) -> bool:
        try:
            record = self.place.read(lease)
        except (OSError, StorageError):
            return False  # it was released just now, or the storage does not answer
        holder = Holder.of(record)
        if holder is not None and holder.has_ended:
            return True
        now = self._answer()
        before, since = self._seen.get(lease, (None, now))
        if record != before:
            self._seen[lease] = record, now
        return record == before and now - since >= LEASE_SECONDS

    def _answer(self) -> float:
        """Return the time at which the storage has answered."""
        now = time.monotonic()
        if now - self._answered > GAP_SECONDS:
            self._seen.clear()
        self._answered = now
        return now

    def _beat(self) -> None:
        while not self._stopped.wait(HEART_SECONDS):
            for held in [one for one in list(self._held.values()) if not one.is_lost]:
                self._beat_once(held)

    def _beat_once(self, held: _Held) -> None:
        try:
            if not self._is_mine(held) or self._is_followed(held):
                held.is_lost = True  # for good: whoever has it now must not be written over
                return
            with held.beating:
                if not held.is_lost:
                    held.holder = replace(held.holder, beat=held.holder.beat + 1)
                    self.place.replace(held.name, held.holder.to_bytes())
        except FileNotFoundError:
            held.is_lost = True
        except Exception:  # noqa: S110  # whatever a storage raises: the next beat may succeed
            pass

    def _is_followed(self, held: _Held) -> bool:
        """Return whether the next term has begun; where the place cannot be listed, the heart beats on."""
        try:
            return held.next in self.place.names()
        except Exception:  # whatever a storage raises
            return False

    def _is_mine(self, held: _Held) -> bool:
        """Return whether a lease still has this owner: it may be that of another, made anew."""
        try:
            there = Holder.of(self.place.read(held.name))
            self._answer()
        except FileNotFoundError:
            return False
        except Exception:  # whatever a storage raises: nothing says that it is lost
            return True
        return there is None or there.owner == held.holder.owner

    def _terms(self, name: str) -> Iterator[int]:
        for made in map(_NAME.fullmatch, self.place.names()):
            if made and made["name"] == name:
                yield int(made["term"])


def _lease(name: str, term: int) -> str:
    return f"{name}.{term}.lease"
