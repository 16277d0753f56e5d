"""Whether a run fits the machine at all: refused while it is planned, not after hours of decoding."""

import math
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from labelscan.errors import ConfigError
from labelscan.pipeline.planned_members import PlannedMember
from labelscan.processes.cores import available_cores

BYTES_A_NUMBER = 4
"""A pixel as a network sees it."""
WITHIN_A_BACKBONE = 20
"""Times the numbers of an image that a backbone keeps: the first blocks of one for phones, among the smallest, have 96
channels at half the height and width, 8 times those numbers, and input and outputs of a block are there together."""


def check_room(members: Iterable[PlannedMember], n_images: int, folder: Path) -> None:
    """Raise ConfigError where the stored images are larger than the disk, or a batch of them than the memory.

    What is free now is not asked: images may be stored already, and other programs end.
    """
    disk, memory = _disk(folder), _memory()
    for one in members:
        if one.image_shape is None:
            continue
        height, width, _ = one.image_shape
        n_bytes = math.prod(one.image_shape)
        if one.frozen is not None:  # only features are stored, and batches of images depend on no setting
            cores = available_cores()
            needed, hint = cores * n_bytes * BYTES_A_NUMBER * WITHIN_A_BACKBONE, "set a smaller --image-size"
            _refuse(cores, height, width, needed, memory, "within the backbone, and the memory", hint)
            continue
        hint = "set a smaller --image-size"
        _refuse(n_images, height, width, n_images * n_bytes, disk, "stored, and the disk", hint)
        if one.recipe is not None:
            batch = one.recipe.batch_size
            needed, hint = batch * n_bytes * BYTES_A_NUMBER, "set a smaller --image-size or --batch-size"
            _refuse(batch, height, width, needed, memory, "in a batch, and the memory", hint)


def _refuse(n_images: int, height: int, width: int, needed: int, there: float, where: str, hint: str) -> None:
    if needed > there:
        what = f"{n_images:,} images of {height:,} x {width:,} pixels take {needed:,} bytes {where} has {there:,}"
        raise ConfigError("too-large", what, where="store.image_size", hint=hint)


def _disk(folder: Path) -> int:
    """Return the bytes of the disk that holds, or will hold, a folder."""
    folder = folder.absolute()
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).total


def _memory() -> float:
    """Return the bytes of memory of this machine; without limit where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf
