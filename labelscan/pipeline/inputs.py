"""The inputs of models: pixels of images, features that a frozen backbone has of them, or rows of a table.

They come in two steps, since a finished run only needs to know whether its data is still the same, not the pixels.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.config import FoldsConfig
from labelscan.data.duplicates import number_equal_rows, number_equal_texts, number_identical
from labelscan.data.inputs import ColumnTable, FeatureTable, Inputs, Texts, are_images, values_in_memory
from labelscan.data.stored_rows import write_rows
from labelscan.data.text_copies import number_copies
from labelscan.errors import DatasetError, Problem, RunFolderError
from labelscan.events import Event, Listener, Noted, Warned
from labelscan.files.atomic import replacing_bytes
from labelscan.files.checksums import is_intact, making
from labelscan.images.sources import ImageSource
from labelscan.images.store import Store
from labelscan.pipeline.image_inputs import blocks_of_inputs, cache_of, file_of, made_from_of, make_store, read_store
from labelscan.pipeline.planned_members import PlannedMember
from labelscan.pipeline.planning import Plan, PlannedRun
from labelscan.processes.interruption import stopping_at_once
from labelscan.runs.files import FRESH
from labelscan.runs.opening import ELSEWHERE_OR_FRESH
from labelscan.training.models.text_embeddings import embed_texts


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Which examples have the same content, and which have none."""

    numbers: NDArray[np.int64]
    """(N,) equal for copies: byte-identical images, equal rows, and texts that are nearly equal."""
    fingerprint: str
    unreadable: dict[int, str] = field(default_factory=dict)
    """Reasons by row."""

    @cached_property
    def unusable(self) -> Mask:
        """Return (N,) the same rows."""
        return np.isin(np.arange(len(self.numbers)), list(self.unreadable))


def read_contents(planned: PlannedRun, notify: Listener, *, may_change: bool = False) -> Contents:
    """Return the contents of all examples, making the inputs of the first model of them unless an earlier run has.

    Where images ``may_change``, those of an earlier run that have are read again.

    Raises:
        RunFolderError: images have changed since the run began.
        DatasetError: images are unreadable, and the settings ask to stop at them.
    """
    contents = _contents_of(planned, notify, may_change=may_change)
    if contents.unreadable:
        _report_unreadable(planned.plan, contents.unreadable, notify)
    return contents


def _contents_of(planned: PlannedRun, notify: Listener, *, may_change: bool) -> Contents:
    inputs, folds = planned.plan.dataset.inputs, planned.plan.config.folds
    if isinstance(inputs, Texts):
        return _contents_of_texts(inputs, folds, notify)
    if isinstance(inputs, FeatureTable | ColumnTable):
        table = inputs.features if isinstance(inputs, FeatureTable) else inputs.frame
        return _contents(number_equal_rows(table) if folds.copies != "off" else np.arange(len(table)))
    assert are_images(inputs)
    known = _known_store(planned, inputs, may_change=may_change)
    store = known or make_store(planned, planned.plan.members[0], inputs, notify)
    numbers = number_identical(store.digests) if folds.copies != "off" else np.arange(len(store.digests))
    return Contents(numbers=numbers, fingerprint=_fingerprint(store), unreadable=store.unreadable)


def _contents_of_texts(inputs: Texts, folds: FoldsConfig, notify: Listener) -> Contents:
    empty = [row for row, text in enumerate(inputs.texts) if not text.strip()]
    reasons = {row: inputs.unreadable.get(row, "the text is empty") for row in empty}
    numbers = np.arange(len(inputs.texts)) if folds.copies == "off" else number_equal_texts(inputs.texts)
    if folds.copies == "near":
        most = max(len(numbers) // (2 * folds.n_folds), 2)
        numbers, n_cut = number_copies(inputs.texts, numbers, most=most)
        if n_cut:
            notify(Noted(f"{n_cut:,} texts are alike in chains, as those of a template: only equal ones share a fold"))
    return _contents(numbers, reasons)


def _contents(numbers: NDArray[np.int64], unreadable: dict[int, str] | None = None) -> Contents:
    """Return the contents of rows that are in memory, and so in the fingerprint of the data."""
    digest = hashlib.blake2b(numbers.tobytes(), digest_size=16).hexdigest()
    return Contents(numbers=numbers, fingerprint=digest, unreadable=unreadable or {})


def provide_inputs(planned: PlannedRun, members: Sequence[PlannedMember], contents: Contents, notify: Listener) -> None:
    """Make sure that the files that the folds of some models read are there, as they were written.

    Images are decoded once for each size of which pixels are wanted, and once for each frozen backbone.
    """
    notify, inputs = _warning_once(notify), planned.plan.dataset.inputs
    in_memory = "" if are_images(inputs) else _digest_of(inputs)
    for member in members:
        path = file_of(planned, member)
        if are_images(inputs):
            store = read_store(planned, member)
            if store is None or _fingerprint(store) != contents.fingerprint:
                store = make_store(planned, member, inputs, notify)
                if _fingerprint(store) != contents.fingerprint:
                    raise RunFolderError("data-changed", "images changed while the run was being resumed", hint=FRESH)
            continue
        assert isinstance(inputs, FeatureTable | ColumnTable | Texts)
        made_from = f"{in_memory}-{made_from_of(member)}"
        if not is_intact(path, made_from):
            with making(path, made_from, notify):
                _write_rows(planned, inputs, member, path, notify)


def _warning_once(notify: Listener) -> Listener:
    """Return a listener that passes on each warning once: the cache is opened for each model."""
    warned: set[str] = set()

    def listen(event: Event) -> None:
        if isinstance(event, Warned):
            if event.message in warned:
                return
            warned.add(event.message)
        notify(event)

    return listen


def _digest_of(inputs: Inputs) -> str:
    """Return a text that changes with any value that inputs hold in memory."""
    digest = hashlib.blake2b(digest_size=16)
    for values in values_in_memory(inputs):
        digest.update(values)
    return digest.hexdigest()


def _write_rows(
    planned: PlannedRun,
    inputs: FeatureTable | ColumnTable | Texts,
    member: PlannedMember,
    path: Path,
    notify: Listener,
) -> None:
    """Write what is in memory to the file that the folds of a model read."""
    if isinstance(inputs, FeatureTable):
        with replacing_bytes(path) as file:
            np.save(file, np.ascontiguousarray(inputs.features, dtype=np.float32), allow_pickle=False)
    elif member.frozen is None:
        write_rows(inputs, path)
    else:
        assert isinstance(inputs, Texts)
        assert member.frozen.kind == "text embedding"
        with cache_of(planned, notify) as cache:
            embed_texts(inputs.texts, member.frozen, member.fingerprint, path, cache=cache, notify=notify)


def _fingerprint(store: Store) -> str:
    """Return a text that changes with the content of any image, and with whether it can be read."""
    digest = hashlib.blake2b(store.digests.tobytes(), digest_size=16)
    digest.update(np.array(list(store.unreadable), dtype=np.int64).tobytes())
    return digest.hexdigest()


def _known_store(planned: PlannedRun, images: ImageSource, *, may_change: bool) -> Store | None:
    """Return what is known of the images since the run began, or None where they are to be read."""
    plan, first = planned.plan, planned.plan.members[0]
    store = Store.read(file_of(planned, first), rows=False)
    if store is None or store.shape != first.image_shape or len(store) != len(plan.dataset):
        return None
    with stopping_at_once():  # where files were touched or moved, all of them are read
        changed = store.changed(images)
    if len(changed) and may_change:
        Store.forget(store.path)
        for job in blocks_of_inputs(plan, first):
            planned.paths.outputs.forget(job)
        return None
    if len(changed):
        others = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
        raise RunFolderError(
            "data-changed",
            f"the data has changed since this run: the contents of {plan.dataset.example_ids[changed[0]]!r}{others}",
            where=str(planned.folder),
            hint=ELSEWHERE_OR_FRESH,
        )
    return store


def _report_unreadable(plan: Plan, unreadable: dict[int, str], notify: Listener) -> None:
    dataset, n_unreadable = plan.dataset, len(unreadable)
    if plan.config.dataset.on_unreadable == "error" or n_unreadable == len(dataset):
        hint = "repair the files, or name other data"
        if n_unreadable < len(dataset):
            hint = "repair it or take it out of the data; --on-unreadable keep leaves it out of the training"
        wheres = [dataset.path(row) or str(dataset.example_ids[row]) for row in unreadable]
        raise DatasetError.of(
            [Problem("unreadable", *one, hint) for one in zip(unreadable.values(), wheres, strict=True)]
        )
    row, reason = next(iter(unreadable.items()))
    first = f"the first {dataset.example_ids[row]} ({reason})"
    what = "texts" if isinstance(dataset.inputs, Texts) else "images"
    notify(Warned(f"unreadable and left out: {n_unreadable:,} of {len(dataset):,} {what}, {first}"))
