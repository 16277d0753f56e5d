"""The inputs of models: images decoded into the store, rows of a table, or features of a frozen backbone.

They come in two steps, since a finished run only needs to know whether its data is still the same, not the pixels.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.atomic import replacing_bytes
from labelscan.data.dataset import FeatureTable, ImageSource
from labelscan.data.duplicates import number_equal_rows, number_identical
from labelscan.data.growing_array import forget
from labelscan.data.store import Store, build_store
from labelscan.errors import DatasetError, Problem, RunFolderError
from labelscan.events import Listener, Warned
from labelscan.pipeline.planning import Plan
from labelscan.results.run_files import FRESH
from labelscan.results.run_folder import RunFolder
from labelscan.results.same_run import ELSEWHERE_OR_FRESH
from labelscan.training.batches import StoredInputs
from labelscan.training.models.frozen_backbone import embed


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Which examples have the same content, and which have none."""

    numbers: NDArray[np.int64]
    """(N,) equal for byte-identical images and equal rows."""
    fingerprint: str
    unreadable: dict[int, str] = field(default_factory=dict)
    """Reasons by row."""

    @cached_property
    def unusable(self) -> Mask:
        """Return (N,) the same rows."""
        return np.isin(np.arange(len(self.numbers)), list(self.unreadable))


def read_contents(plan: Plan, run: RunFolder, notify: Listener) -> Contents:
    """Return the contents of all examples, decoding the images unless an earlier run has.

    Raises:
        RunFolderError: images have changed since the run began.
        DatasetError: images are unreadable, and the settings ask to stop at them.
    """
    inputs = plan.dataset.inputs
    if isinstance(inputs, FeatureTable):
        numbers = number_equal_rows(inputs.features)
        return Contents(numbers=numbers, fingerprint=hashlib.blake2b(numbers.tobytes(), digest_size=16).hexdigest())
    store = _known_store(plan, inputs, run)
    if store is None:
        store = _build(plan, inputs, run, notify)
    if store.unreadable:
        _report_unreadable(plan, store.unreadable, notify)
    numbers = number_identical(store.digests)
    return Contents(numbers=numbers, fingerprint=_fingerprint(store), unreadable=store.unreadable)


def provide_inputs(plan: Plan, contents: Contents, run: RunFolder, notify: Listener) -> None:
    """Make sure that the file that fold jobs read is there."""
    inputs = plan.dataset.inputs
    if isinstance(inputs, FeatureTable):
        with replacing_bytes(run.features) as file:
            np.save(file, np.ascontiguousarray(inputs.features, dtype=np.float32), allow_pickle=False)
        return
    if plan.frozen is not None and run.features.is_file():
        return
    if Store.read(run.store) is None:
        store = _build(plan, inputs, run, notify)
        if _fingerprint(store) != contents.fingerprint:
            raise RunFolderError("images changed while the run was being resumed", hint=FRESH)
    if plan.frozen is not None:
        stored = StoredInputs(run.store, plan.config.store.cache_megabytes * 2**20)
        embed(stored, plan.frozen, run.features, mirror=plan.mirrored, device=plan.device, notify=notify)


def _fingerprint(store: Store) -> str:
    """Return a text that changes with the content of any image, and with whether it can be read."""
    digest = hashlib.blake2b(store.digests.tobytes(), digest_size=16)
    digest.update(np.array(list(store.unreadable), dtype=np.int64).tobytes())
    return digest.hexdigest()


def _known_store(plan: Plan, images: ImageSource, run: RunFolder) -> Store | None:
    store = Store.read(run.store, pixels=False)
    if store is None or store.shape != plan.image_shape or len(store) != len(plan.dataset):
        return None
    changed = store.changed(images)
    if len(changed):
        first = plan.dataset.example_ids[changed[0]]
        others = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
        raise RunFolderError(
            f"the data has changed since this run: the contents of {first!r}{others}",
            where=str(run.path),
            hint=ELSEWHERE_OR_FRESH,
        )
    return store


def _build(plan: Plan, images: ImageSource, run: RunFolder, notify: Listener) -> Store:
    assert plan.image_shape is not None
    forget(run.features)
    return build_store(
        images,
        plan.image_shape,
        run.store,
        config=plan.config.store,
        max_pixels=plan.config.dataset.max_pixels,
        notify=notify,
    )


def _report_unreadable(plan: Plan, unreadable: dict[int, str], notify: Listener) -> None:
    dataset, n_unreadable = plan.dataset, len(unreadable)
    if plan.config.dataset.on_unreadable == "error" or n_unreadable == len(dataset):
        wheres = [dataset.path(row) or str(dataset.example_ids[row]) for row in unreadable]
        raise DatasetError.of([Problem(*one) for one in zip(unreadable.values(), wheres, strict=True)])
    row, reason = next(iter(unreadable.items()))
    first = f"the first {dataset.example_ids[row]} ({reason})"
    notify(Warned(f"unreadable and left out: {n_unreadable:,} of {len(dataset):,} images, {first}"))
