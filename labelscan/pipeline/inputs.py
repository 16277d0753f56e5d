"""The inputs of models: images decoded into the store, rows of a table, or features of a frozen backbone.

They come in two steps, since a finished run only needs to know whether its data is still the same, not the pixels.
"""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.atomic import replacing_bytes
from labelscan.data.build_store import build_store
from labelscan.data.cache import Cache, open_cache
from labelscan.data.decoding import ImageShape
from labelscan.data.duplicates import number_equal_rows, number_equal_texts, number_identical
from labelscan.data.inputs import ColumnTable, FeatureTable, ImageArray, ImageSource, Texts, are_images
from labelscan.data.store import Store
from labelscan.data.stored_rows import write_rows
from labelscan.errors import DatasetError, Problem, RunFolderError
from labelscan.events import Event, Listener, Warned
from labelscan.interruption import stopping_at_once
from labelscan.pipeline.planned_opinions import PlannedOpinion
from labelscan.pipeline.planning import Plan
from labelscan.results.run_files import FRESH
from labelscan.results.run_folder import RunFolder
from labelscan.results.same_run import ELSEWHERE_OR_FRESH
from labelscan.training.models import Frozen, is_backbone, is_text_embedding
from labelscan.training.models.embedded_texts import embed_texts
from labelscan.training.models.frozen_backbone import embed

CACHE = "cache"
"""The folder of a run's own cache, beside its decoded images and features."""


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


def inputs_of(plan: Plan, opinion: PlannedOpinion, run: RunFolder) -> Path:
    """Return the file that the folds of a model read; models that see the same share one."""
    if opinion.frozen is not None:
        return _features(plan, opinion, run)
    if opinion.image_shape is not None:
        return _images(plan, opinion.image_shape, run)
    return run.features(0) if isinstance(plan.dataset.inputs, FeatureTable) else run.rows


def read_contents(plan: Plan, run: RunFolder, notify: Listener) -> Contents:
    """Return the contents of all examples, decoding the images unless an earlier run has.

    Raises:
        RunFolderError: images have changed since the run began.
        DatasetError: images are unreadable, and the settings ask to stop at them.
    """
    contents = _contents_of(plan, run, notify)
    if contents.unreadable:
        _report_unreadable(plan, contents.unreadable, notify)
    return contents


def _contents_of(plan: Plan, run: RunFolder, notify: Listener) -> Contents:
    inputs, shape = plan.dataset.inputs, plan.opinions[0].image_shape
    if isinstance(inputs, Texts):
        return _contents_of_texts(inputs)
    if isinstance(inputs, FeatureTable | ColumnTable):
        table = inputs.features if isinstance(inputs, FeatureTable) else inputs.frame
        return _contents(number_equal_rows(table))
    assert are_images(inputs)
    assert shape is not None
    store = _known_store(plan, inputs, shape, run)
    if store is None:
        store = _build(plan, inputs, shape, run, notify)
    numbers = number_identical(store.digests)
    return Contents(numbers=numbers, fingerprint=_fingerprint(store), unreadable=store.unreadable)


def _contents_of_texts(inputs: Texts) -> Contents:
    empty = [row for row, text in enumerate(inputs.texts) if not text.strip()]
    reasons = {row: inputs.unreadable.get(row, "the text is empty") for row in empty}
    return _contents(number_equal_texts(inputs.texts), reasons)


def _contents(numbers: NDArray[np.int64], unreadable: dict[int, str] | None = None) -> Contents:
    """Return the contents of rows that are in memory, and so in the fingerprint of the data."""
    digest = hashlib.blake2b(numbers.tobytes(), digest_size=16).hexdigest()
    return Contents(numbers=numbers, fingerprint=digest, unreadable=unreadable or {})


def provide_inputs(
    plan: Plan, opinions: Sequence[PlannedOpinion], contents: Contents, run: RunFolder, notify: Listener
) -> None:
    """Make sure that the files that the folds of some models read are there.

    Images are decoded once for each size, and features computed once for each backbone.
    """
    inputs = plan.dataset.inputs
    if isinstance(inputs, FeatureTable):
        with replacing_bytes(run.features(0)) as file:
            np.save(file, np.ascontiguousarray(inputs.features, dtype=np.float32), allow_pickle=False)
        return
    if isinstance(inputs, ColumnTable | Texts):
        if any(one.frozen is None for one in opinions):
            write_rows(inputs, run.rows)
        if isinstance(inputs, Texts):
            _embed_texts(plan, inputs, opinions, run, notify)
        return
    assert are_images(inputs)
    for opinion in opinions:
        assert opinion.image_shape is not None
        images, wanted = _images(plan, opinion.image_shape, run), inputs_of(plan, opinion, run)
        known = _store_of(contents, opinion.image_shape, images, pixels=False)
        if known and opinion.frozen is not None and wanted.is_file():
            continue
        store = _store_of(contents, opinion.image_shape, images, pixels=True)
        if store is None:
            store = _build(plan, inputs, opinion.image_shape, run, notify)
            if _fingerprint(store) != contents.fingerprint:
                raise RunFolderError("images changed while the run was being resumed", hint=FRESH)
        if opinion.frozen is not None:
            _embed(plan, opinion, store, wanted, run, notify)


def _images(plan: Plan, shape: ImageShape, run: RunFolder) -> Path:
    shapes = list(dict.fromkeys(one.image_shape for one in plan.opinions))
    return run.images(shapes.index(shape))


def _features(plan: Plan, opinion: PlannedOpinion, run: RunFolder) -> Path:
    def kind(one: PlannedOpinion) -> tuple[Frozen | None, ImageShape | None]:
        return one.frozen, one.image_shape

    kinds = list(dict.fromkeys(kind(one) for one in plan.opinions if one.frozen is not None))
    return run.features(kinds.index(kind(opinion)))


def _store_of(contents: Contents, shape: ImageShape, path: Path, *, pixels: bool) -> Store | None:
    """Return the store of just these contents at this size, or None; without ``pixels`` its images may be gone."""
    store = Store.read(path, pixels=pixels)
    return store if store is not None and store.shape == shape and _fingerprint(store) == contents.fingerprint else None


def _fingerprint(store: Store) -> str:
    """Return a text that changes with the content of any image, and with whether it can be read."""
    digest = hashlib.blake2b(store.digests.tobytes(), digest_size=16)
    digest.update(np.array(list(store.unreadable), dtype=np.int64).tobytes())
    return digest.hexdigest()


def _known_store(plan: Plan, images: ImageSource, shape: ImageShape, run: RunFolder) -> Store | None:
    store = Store.read(_images(plan, shape, run), pixels=False)
    if store is None or store.shape != shape or len(store) != len(plan.dataset):
        return None
    with stopping_at_once():  # where files were touched or moved, all of them are read
        changed = store.changed(images)
    if len(changed) and run.may_change_data:
        return None
    if len(changed):
        first = plan.dataset.example_ids[changed[0]]
        others = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
        raise RunFolderError(
            f"the data has changed since this run: the contents of {first!r}{others}",
            where=str(run.path),
            hint=ELSEWHERE_OR_FRESH,
        )
    return store


def _build(plan: Plan, images: ImageSource, shape: ImageShape, run: RunFolder, notify: Listener) -> Store:
    for opinion in plan.opinions:
        if opinion.frozen is not None and opinion.image_shape == shape:
            inputs_of(plan, opinion, run).unlink(missing_ok=True)  # of other images, perhaps
    is_in_memory = isinstance(images, ImageArray) and images.images.shape[1:] == shape  # nothing will be decoded
    with nullcontext(Cache(run.inputs / CACHE)) if is_in_memory else _cache(plan, run, notify) as cache:
        return build_store(
            images,
            shape,
            _images(plan, shape, run),
            cache=cache,
            config=plan.config.store,
            max_pixels=plan.config.dataset.max_pixels,
            notify=notify,
        )


def _embed_texts(
    plan: Plan, inputs: Texts, opinions: Sequence[PlannedOpinion], run: RunFolder, notify: Listener
) -> None:
    for opinion in opinions:
        path = inputs_of(plan, opinion, run)
        if opinion.frozen is not None and is_text_embedding(opinion.frozen) and not path.is_file():
            with _cache(plan, run, notify) as cache:
                embed_texts(inputs.texts, opinion.frozen, opinion.fingerprint, path, cache=cache, notify=notify)


def _embed(plan: Plan, opinion: PlannedOpinion, store: Store, path: Path, run: RunFolder, notify: Listener) -> None:
    assert opinion.frozen is not None
    assert is_backbone(opinion.frozen)
    assert opinion.engine is not None
    with _cache(plan, run, notify) as cache:
        embed(
            store,
            opinion.frozen,
            path,
            cache=cache,
            mapped_bytes=plan.config.store.cache_megabytes * 2**20,
            mirror=opinion.mirrored,
            device=plan.device,
            choice=opinion.engine,
            notify=notify,
        )


def _cache(plan: Plan, run: RunFolder, notify: Listener) -> AbstractContextManager[Cache]:
    def warn_once(event: Event) -> None:
        if isinstance(event, Warned) and event.message not in run.warned:
            run.warned.add(event.message)
            notify(event)

    return open_cache(plan.config.cache, run.inputs / CACHE, warn_once)


def _report_unreadable(plan: Plan, unreadable: dict[int, str], notify: Listener) -> None:
    dataset, n_unreadable = plan.dataset, len(unreadable)
    if plan.config.dataset.on_unreadable == "error" or n_unreadable == len(dataset):
        wheres = [dataset.path(row) or str(dataset.example_ids[row]) for row in unreadable]
        raise DatasetError.of([Problem(*one) for one in zip(unreadable.values(), wheres, strict=True)])
    row, reason = next(iter(unreadable.items()))
    first = f"the first {dataset.example_ids[row]} ({reason})"
    what = "texts" if isinstance(dataset.inputs, Texts) else "images"
    notify(Warned(f"unreadable and left out: {n_unreadable:,} of {len(dataset):,} {what}, {first}"))
