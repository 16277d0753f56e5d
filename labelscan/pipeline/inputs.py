"""What models are fed: images decoded into the store, rows of a table, or features of a frozen backbone.

In two steps, since a finished run needs to know only whether its data is still the same, not the pixels.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.atomic import replacing_bytes
from labelscan.data.dataset import Dataset, FeatureTable
from labelscan.data.duplicates import number_equal_rows, number_identical
from labelscan.data.growing_array import forget
from labelscan.data.store import Store, build_store
from labelscan.errors import DatasetError, Problem, RunFolderError
from labelscan.events import Listener, Warned
from labelscan.pipeline.planning import Plan
from labelscan.results.run_folder import RunFolder
from labelscan.training.batches import StoredInputs
from labelscan.training.models.frozen_backbone import embed


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is known of the examples' contents."""

    numbers: NDArray[np.int64]
    """(N,) equal for byte-identical images and equal rows."""
    unreadable: dict[int, str]
    """Row to reason."""
    unusable: Mask
    """(N,) the same rows."""
    fingerprint: str


def read_contents(plan: Plan, run: RunFolder, notify: Listener) -> Contents:
    """Return what is known of the contents, decoding the images where no earlier run has.

    Raises:
        RunFolderError: images have changed since the run began.
        DatasetError: unreadable images, where the settings ask to stop at them.
    """
    dataset = plan.dataset
    if isinstance(dataset.inputs, FeatureTable):
        numbers = number_equal_rows(dataset.inputs.features)
        return Contents(
            numbers=numbers,
            unreadable={},
            unusable=np.zeros(len(dataset), dtype=bool),
            fingerprint=hashlib.blake2b(numbers.tobytes(), digest_size=16).hexdigest(),
        )
    store = _known_store(plan, run)
    if store is None:
        store = _build(plan, run, notify)
    _refuse_or_tell(plan, store, notify)
    unusable = np.zeros(len(dataset), dtype=bool)
    unusable[list(store.unreadable)] = True
    return Contents(
        numbers=number_identical(store.digests),
        unreadable=store.unreadable,
        unusable=unusable,
        fingerprint=_fingerprint(store),
    )


def provide_inputs(plan: Plan, contents: Contents, run: RunFolder, notify: Listener) -> None:
    """Make sure that the file which fold jobs read is there."""
    inputs = plan.dataset.inputs
    if isinstance(inputs, FeatureTable):
        with replacing_bytes(run.features) as file:
            np.save(file, np.ascontiguousarray(inputs.features, dtype=np.float32), allow_pickle=False)
        return
    if plan.frozen is not None and run.features.is_file():
        return
    if Store.read(run.store) is None:
        store = _build(plan, run, notify)
        if _fingerprint(store) != contents.fingerprint:
            raise RunFolderError("images changed while the run was being resumed", hint="start over with --fresh")
    if plan.frozen is not None:
        stored = StoredInputs(run.store, plan.config.store.cache_megabytes * 2**20)
        embed(stored, plan.frozen, run.features, mirror=plan.mirrored, device=plan.device, notify=notify)


def _fingerprint(store: Store) -> str:
    """Return what changes with the content of any image, or whether it can be read."""
    digest = hashlib.blake2b(store.digests.tobytes(), digest_size=16)
    digest.update(np.array(list(store.unreadable), dtype=np.int64).tobytes())
    return digest.hexdigest()


def _known_store(plan: Plan, run: RunFolder) -> Store | None:
    assert plan.image_shape is not None
    assert not isinstance(plan.dataset.inputs, FeatureTable)
    store = Store.read(run.store, pixels=False)
    if store is None or store.shape != plan.image_shape or len(store) != len(plan.dataset):
        return None
    changed = store.changed(plan.dataset.inputs)
    if len(changed):
        first = plan.dataset.example_ids[changed[0]]
        others = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
        raise RunFolderError(
            f"the data has changed since this run: the contents of {first!r}{others}",
            where=str(run.path),
            hint="choose another place with -o, or start over with --fresh",
        )
    return store


def _build(plan: Plan, run: RunFolder, notify: Listener) -> Store:
    assert plan.image_shape is not None
    assert not isinstance(plan.dataset.inputs, FeatureTable)
    forget(run.features)
    return build_store(
        plan.dataset.inputs,
        plan.image_shape,
        run.store,
        config=plan.config.store,
        max_pixels=plan.config.dataset.max_pixels,
        notify=notify,
    )


def _refuse_or_tell(plan: Plan, store: Store, notify: Listener) -> None:
    if not store.unreadable:
        return
    if plan.config.dataset.on_unreadable == "error" or len(store.unreadable) == len(plan.dataset):
        problems = [Problem(reason, _where(plan.dataset, row)) for row, reason in store.unreadable.items()]
        raise DatasetError.of(problems)
    row, reason = next(iter(store.unreadable.items()))
    notify(
        Warned(
            f"unreadable and left out: {len(store.unreadable):,} of {len(plan.dataset):,} images, "
            f"the first {plan.dataset.example_ids[row]} ({reason})"
        )
    )


def _where(dataset: Dataset, row: int) -> str:
    return dataset.path(row) or str(dataset.example_ids[row])
