"""Blocks of the inputs of a run: some images that follow each other, decoded or passed through a frozen backbone.

Where several processes work on a run, a block is a job like a fold, and its output are rows. The rows of all blocks
together are the same as if one process had made all at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from labelscan.events import Event, Listener, StepDone, StepStarted
from labelscan.files.rows_file import rows_file
from labelscan.images.blocks import ImageBlocks, build_rows
from labelscan.images.cache import Cache, open_cache
from labelscan.images.store import OF_EACH, Store
from labelscan.jobs.files import CACHE, PART
from labelscan.jobs.where import Where
from labelscan.training.device import Device
from labelscan.training.engines import EngineChoice
from labelscan.training.models import Backbone
from labelscan.training.models.frozen_backbone import embed, maker_of

BLOCK_BYTES = 2**28
"""The most that the pixels of a block take, which are in memory at once."""


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
        return build_rows(images, path, cache=cache, notify=notify)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockJob:
    """One block, as a job that keeps all cores of a machine busy."""

    of: str
    """The name of the inputs that all blocks become."""
    part: int
    n_parts: int
    made_from: str
    """Changes with the settings and the data that the output depends on, and not with the machine."""
    images: ImageBlocks
    """Those of this block."""
    maker: FeatureMaker | None
    """None is their pixels."""

    @property
    def name(self) -> str:
        """Return the name; which rows it has is in ``made_from``."""
        return f"{self.of}{PART}{self.part}-of-{self.n_parts}"

    @property
    def place(self) -> str:
        return f"{self.of}, part {self.part}"

    @property
    def step(self) -> str:
        """Return the step that makes inputs, as events name it."""
        return "decode" if self.maker is None else "features"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BlockOutput:
    """The rows of a block, and what is known of each image."""

    rows: NDArray[np.generic]
    """(M, H, W, C) pixels or (M, D) features."""
    digests: NDArray[np.uint8]
    """As in ``Store.facts``, and so are all others."""
    file_sizes: NDArray[np.int64]
    modified: NDArray[np.int64]
    unreadable_rows: NDArray[np.int64]
    unreadable_reasons: NDArray[np.str_]
    maker: NDArray[np.str_]


def run_block(job: BlockJob, where: Where, notify: Listener) -> BlockOutput:
    """Make the rows of a block; what is cut off is in the cache of the machine."""

    def pass_on(event: Event) -> None:
        if not isinstance(event, StepStarted | StepDone):  # the step is that of all blocks
            notify(event)

    with TemporaryDirectory(prefix="labelscan-") as folder, open_cache(where.cache, Path(folder, CACHE)) as cache:
        path = Path(folder, "rows.npy")
        store = make_inputs(job.images, path, job.maker, cache=cache, device=where.device, notify=pass_on)
        return BlockOutput(rows=np.array(store.rows()), **store.facts())


def block_jobs(
    of: str, images: ImageBlocks, maker: FeatureMaker | None, *, size: int, made_from: str
) -> list[BlockJob]:
    """Return the jobs that make all images, ``size`` of them at a time, or fewer where their pixels are large."""
    if maker is None:
        size = max(1, min(size, BLOCK_BYTES // int(np.prod(images.shape))))
    ranges = [range(first, min(first + size, len(images))) for first in range(0, len(images), size)]
    return [
        BlockJob(
            of=of,
            part=part,
            n_parts=len(ranges),
            made_from=f"{made_from} {rows.start}-{rows.stop} of {len(images)}",
            images=replace(images, source=images.source.take(np.arange(rows.start, rows.stop, dtype=np.int64))),
            maker=maker,
        )
        for part, rows in enumerate(ranges)
    ]


def made_by(maker: FeatureMaker | None, device: Device) -> str:
    """Return what a store says of what computed its features; pixels have none."""
    return "" if maker is None else maker_of(maker.engine, device)


def put_together(outputs: Sequence[BlockOutput], images: ImageBlocks, path: Path) -> Store:
    """Write the rows of all blocks into the one file ``path`` that folds read.

    Args:
        outputs: those of all blocks, in their order.
        images: all N of them.
        path: the npy file.
    """
    assert sum(len(output.rows) for output in outputs) == len(images), "blocks of other rows"
    whole = Store.begin(path, images.shape, images.source, maker=str(outputs[0].maker))
    first = 0
    with rows_file(path, len(images)) as file:
        for output in outputs:
            file.put(first, np.asarray(output.rows))
            for name in OF_EACH:
                getattr(whole, name)[first : first + len(output.rows)] = getattr(output, name)
            rows = (first + output.unreadable_rows).tolist()
            whole.unreadable.update(zip(rows, output.unreadable_reasons.tolist(), strict=True))
            first += len(output.rows)
    return whole.finish()
