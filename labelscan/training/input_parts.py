"""Parts of the inputs of a run: some images that follow each other, decoded or passed through a frozen backbone.

Any process that sees the images may make one, and whoever finds all of them made puts them together. The rows are the
same as if one process had made all at once.
"""

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labelscan.config import CacheConfig
from labelscan.data.build_store import build_store
from labelscan.data.cache import Cache, open_cache
from labelscan.data.image_blocks import ImageBlocks
from labelscan.data.rows_file import rows_file
from labelscan.data.store import Store
from labelscan.errors import Interrupted, LabelscanError
from labelscan.events import Event, Listener, PartDone, StepAdvanced, StepDone, StepStarted
from labelscan.training.device import Device
from labelscan.training.engines import EngineChoice
from labelscan.training.failure import failure, leave_reason
from labelscan.training.models import Backbone
from labelscan.training.models.frozen_backbone import embed, maker_of
from labelscan.training.shard_files import CACHE, PART

ROWS = "rows.npy"
COPIED_BYTES = 2**24
"""How much of a part is copied at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureMaker:
    """What makes features of images: a frozen backbone, run by an engine."""

    backbone: Backbone
    engine: EngineChoice
    mirror: bool


def make_inputs(
    images: ImageBlocks, path: Path, maker: FeatureMaker | None, *, cache: Cache, device: Device, notify: Listener
) -> Store:
    """Write the features of images to ``path``, or their pixels where ``maker`` is None."""
    if maker is None:
        return build_store(images, path, cache=cache, notify=notify)
    return embed(
        images,
        maker.backbone,
        path,
        cache=cache,
        mirror=maker.mirror,
        device=device,
        choice=maker.engine,
        notify=notify,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InputPart:
    """One part, as a piece of work that is done by all cores of a machine."""

    whole: Path
    """The file that all parts become."""
    part: int
    n_parts: int
    rows: range
    """Those of this part among ``source``."""
    source: ImageBlocks
    """The images of all parts, or of this one alone."""
    feature_maker: FeatureMaker | None
    """None is their pixels."""
    cache: CacheConfig
    device: Device

    @property
    def name(self) -> str:
        """Return a name that no part of another size has, unless it has the same images."""
        return f"{self.whole.stem}{PART}{self.part}-of-{self.n_parts}"

    @property
    def folder(self) -> Path:
        return self.whole.parent / self.name

    @property
    def images(self) -> ImageBlocks:
        """Return the images of this part; those in memory are copied."""
        rows = np.arange(self.rows.start, self.rows.stop, dtype=np.int64)
        return replace(self.source, source=self.source.source.take(rows))

    def alone(self) -> "InputPart":
        """Return the same part without the images of others, as it is sent to another process."""
        return replace(self, source=self.images, rows=range(len(self.rows)))

    @property
    def maker(self) -> str:
        """Return what computes features; pixels have none."""
        return "" if self.feature_maker is None else maker_of(self.feature_maker.engine, self.device)

    @property
    def step(self) -> str:
        return "decode" if self.feature_maker is None else "features"

    def held_by(self, owner: str) -> "InputPart":  # noqa: ARG002
        """Return the same: nothing of it is named after the holder."""
        return self

    def ask_to_stop(self) -> None:
        """Do nothing: what a part has made is in the cache, so it may be stopped at any moment."""

    @property
    def is_asked_to_stop(self) -> bool:
        return False

    def begin(self) -> int:
        """Make the folder; what another process has left of it is written over."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return 0

    def run(self, notify: Listener) -> None:
        """Make the rows of the part; what is cut off is in the cache."""

        def pass_on(event: Event) -> None:
            if not isinstance(event, StepStarted | StepDone):  # the step is that of all parts
                notify(event)

        with open_cache(self.cache, self.folder / CACHE, notify) as cache:
            path = self.folder / ROWS
            make_inputs(self.images, path, self.feature_maker, cache=cache, device=self.device, notify=pass_on)
        notify(PartDone(self.step, self.part, self.n_parts))

    def read(self, *, rows: bool = True) -> Store | None:
        """Return the finished part, or None; without ``rows`` these need not be here."""
        store = Store.read(self.folder / ROWS, rows=rows)
        wanted = len(self.rows), self.source.shape, self.maker
        return store if store is not None and (len(store), store.shape, store.maker) == wanted else None

    def is_usable(self, *, looks: bool) -> bool:
        """Return whether its rows are there, and, where it ``looks``, the files are those that they were made of.

        Files of unknown size or time count as the same.
        """
        store = self.read()
        return store is not None and not (looks and len(store.changed(self.images.source, only_known=True)))

    def delete(self) -> None:
        """Delete what it has made, and what it was making."""
        Store.forget(self.folder / ROWS)  # first: cut off after this, it counts as not made
        shutil.rmtree(self.folder, ignore_errors=True)

    def finished(self) -> PartDone | None:
        """Return that it is made, as itself or in the whole."""
        is_made = self.read(rows=False) is not None or Store.read(self.whole, rows=False) is not None
        return PartDone(self.step, self.part, self.n_parts) if is_made else None

    def events_from(self, offset: int) -> tuple[Sequence[Event], int]:
        """Return nothing: a part keeps no log."""
        return (), offset

    def failure(self, error: BaseException) -> LabelscanError:
        """Return the error with the part that failed, and leave it there, as far as the disk takes it."""
        told = failure(error, f"{self.step}, part {self.part}")
        if not isinstance(told, Interrupted):
            leave_reason(self.folder, told)
        return told


def ranges_of(n_images: int, size: int) -> list[range]:
    """Return the rows of each part of N images, each of ``size``, at least 1, or what is left."""
    return [range(first, min(first + size, n_images)) for first in range(0, n_images, size)]


def put_together(parts: Sequence[InputPart], images: ImageBlocks) -> Store:
    """Write the rows of all finished parts into the one file that folds read, and delete the parts.

    Args:
        parts: all parts of the images, each finished.
        images: all N of them.
    """
    stores = [part.read() for part in parts]
    known = [store for store in stores if store is not None]
    assert len(known) == len(parts), "a part is gone"
    whole = Store.begin(parts[0].whole, images.shape, images.source, maker=known[0].maker)
    first = 0
    with rows_file(whole.path, len(images)) as file:
        for store in known:
            rows = store.rows()
            step = max(1, COPIED_BYTES // max(rows[:1].nbytes, 1))
            for start in range(0, len(rows), step):
                file.put(first + start, rows[start : start + step])
            for name in ("digests", "file_sizes", "modified"):
                getattr(whole, name)[first : first + len(store)] = getattr(store, name)
            whole.unreadable.update({first + row: why for row, why in store.unreadable.items()})
            first += len(store)
    whole = whole.finish()
    for part in parts:
        part.delete()
    return whole


def told_of_all(parts: Sequence[InputPart], notify: Listener) -> Listener:
    """Return a listener that tells how far all parts of a file are together, where each tells how far it is itself."""
    sizes = [len(part.rows) for part in parts]
    done: dict[int, int] = {}

    def listen(event: Event) -> None:
        if isinstance(event, PartDone):
            done[event.part] = sizes[event.part]
            notify(event)
            notify(StepAdvanced(event.step, sum(done.values())))
        elif isinstance(event, StepAdvanced):
            notify(dataclasses.replace(event, done=sum(done.values()) + event.done))
        else:
            notify(event)

    return listen


def is_made(folder: Path) -> bool:
    """Return whether a part, or the file of all of them, has been made at ``folder`` of the inputs."""
    name, _, part = folder.name.partition(PART)
    whole = (folder.parent / name).with_suffix(".npz")
    return whole.is_file() or (bool(part) and (folder / ROWS).with_suffix(".npz").is_file())
