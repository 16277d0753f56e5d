"""The inputs of models: pixels of images, features that a frozen backbone has of them, or rows of a table.

They come in two steps, since a finished run only needs to know whether its data is still the same, not the pixels.
"""

import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Mask
from labelscan.atomic import replacing_bytes
from labelscan.data.build_store import build_store
from labelscan.data.cache import Cache, open_cache
from labelscan.data.duplicates import number_equal_rows, number_equal_texts, number_identical
from labelscan.data.image_blocks import ImageBlocks
from labelscan.data.inputs import ColumnTable, FeatureTable, ImageArray, ImageSource, Texts, are_images
from labelscan.data.store import Store
from labelscan.data.stored_rows import write_rows
from labelscan.errors import DatasetError, Problem, RunFolderError
from labelscan.events import Event, Listener, StepStarted, Waiting, Warned
from labelscan.interruption import stopping_at_once
from labelscan.pipeline.planned_opinions import PlannedOpinion
from labelscan.pipeline.planning import Plan
from labelscan.results.run_files import FRESH
from labelscan.results.run_folder import RunFolder
from labelscan.results.same_run import ELSEWHERE_OR_FRESH
from labelscan.training.input_parts import Frozen, InputPart, put_together, ranges_of, told_of_all
from labelscan.training.job_queue import POLL_SECONDS
from labelscan.training.models import is_backbone, is_text_embedding
from labelscan.training.models.embedded_texts import embed_texts
from labelscan.training.models.frozen_backbone import embed, maker_of
from labelscan.training.shard_files import CACHE

T = TypeVar("T")


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
        kinds = [(one.frozen, one.image_shape) for one in plan.opinions if one.frozen is not None]
        return run.features(_number(kinds, (opinion.frozen, opinion.image_shape)))
    if opinion.image_shape is not None:
        return run.images(
            _number([one.image_shape for one in plan.opinions if one.frozen is None], opinion.image_shape)
        )
    return run.features(0) if isinstance(plan.dataset.inputs, FeatureTable) else run.rows


def read_contents(plan: Plan, run: RunFolder, notify: Listener) -> Contents:
    """Return the contents of all examples, making the inputs of the first model of them unless an earlier run has.

    Raises:
        RunFolderError: images have changed since the run began.
        DatasetError: images are unreadable, and the settings ask to stop at them.
    """
    contents = _contents_of(plan, run, notify)
    if contents.unreadable:
        _report_unreadable(plan, contents.unreadable, notify)
    return contents


def _contents_of(plan: Plan, run: RunFolder, notify: Listener) -> Contents:
    inputs = plan.dataset.inputs
    if isinstance(inputs, Texts):
        return _contents_of_texts(inputs)
    if isinstance(inputs, FeatureTable | ColumnTable):
        table = inputs.features if isinstance(inputs, FeatureTable) else inputs.frame
        return _contents(number_equal_rows(table))
    assert are_images(inputs)
    store = _known_store(plan, inputs, run) or _make_store(plan, plan.opinions[0], inputs, run, notify)
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

    Images are decoded once for each size of which pixels are wanted, and once for each frozen backbone.
    """
    inputs = plan.dataset.inputs
    if isinstance(inputs, FeatureTable | ColumnTable | Texts):
        paths = [inputs_of(plan, one, run) for one in opinions]
        run.leases.once(
            "inputs",
            is_made=lambda: all(path.is_file() for path in paths),
            make=lambda: _write_rows(plan, inputs, opinions, run, notify),
            wait=lambda: _wait(notify),
        )
        return
    assert are_images(inputs)
    for opinion in opinions:
        maker = "" if opinion.engine is None else maker_of(opinion.engine, plan.device)
        wanted = opinion.image_shape, maker, contents.fingerprint
        store = Store.read(inputs_of(plan, opinion, run))
        if store is None or (store.shape, store.maker, _fingerprint(store)) != wanted:
            store = _make_store(plan, opinion, inputs, run, notify)
            if _fingerprint(store) != contents.fingerprint:
                raise RunFolderError("images changed while the run was being resumed", hint=FRESH)


def _write_rows(
    plan: Plan,
    inputs: FeatureTable | ColumnTable | Texts,
    opinions: Sequence[PlannedOpinion],
    run: RunFolder,
    notify: Listener,
) -> None:
    """Write what is in memory to the files that folds read."""
    if isinstance(inputs, FeatureTable):
        with replacing_bytes(run.features(0)) as file:
            np.save(file, np.ascontiguousarray(inputs.features, dtype=np.float32), allow_pickle=False)
        return
    if any(one.frozen is None for one in opinions):
        write_rows(inputs, run.rows)
    if isinstance(inputs, Texts):
        _embed_texts(plan, inputs, opinions, run, notify)


def _wait(notify: Listener) -> None:
    time.sleep(POLL_SECONDS)
    notify(Waiting())


def _number(kinds: list[T], kind: T) -> int:
    """Return the number of a kind among those that differ."""
    return list(dict.fromkeys(kinds)).index(kind)


def _fingerprint(store: Store) -> str:
    """Return a text that changes with the content of any image, and with whether it can be read."""
    digest = hashlib.blake2b(store.digests.tobytes(), digest_size=16)
    digest.update(np.array(list(store.unreadable), dtype=np.int64).tobytes())
    return digest.hexdigest()


def _known_store(plan: Plan, images: ImageSource, run: RunFolder) -> Store | None:
    """Return what is known of the images since the run began, or None where they are to be read."""
    first = plan.opinions[0]
    store = Store.read(inputs_of(plan, first, run), rows=run.is_joined)
    if store is None or store.shape != first.image_shape or len(store) != len(plan.dataset):
        return None
    if run.is_joined:  # who writes the run looks at all files
        return store
    with stopping_at_once():  # where files were touched or moved, all of them are read
        changed = store.changed(images)
    if len(changed) and run.may_change_data:
        Store.forget(store.path)
        for part in parts_of_inputs(plan, first, run):
            part.delete()
        return None
    if len(changed):
        others = f" and {len(changed) - 1:,} more" if len(changed) > 1 else ""
        raise RunFolderError(
            f"the data has changed since this run: the contents of {plan.dataset.example_ids[changed[0]]!r}{others}",
            where=str(run.path),
            hint=ELSEWHERE_OR_FRESH,
        )
    return store


def _make_store(plan: Plan, opinion: PlannedOpinion, source: ImageSource, run: RunFolder, notify: Listener) -> Store:
    """Make the file that the folds of a model read: features, or pixels where all of the model is trained.

    It is made in one stream where one process works on the run, else part by part.
    """
    parts = parts_of_inputs(plan, opinion, run)
    path = parts[0].whole

    def made() -> Store | None:
        run.fetch(path)
        store = Store.read(path)
        wanted = len(source), opinion.image_shape, parts[0].maker
        return store if store is not None and (len(store), store.shape, store.maker) == wanted else None

    def make() -> None:
        if not is_shared:
            _make_at_once(plan, opinion, source, run, notify)
        elif all(part.finished() for part in parts):  # else who was making all of it has died
            run.fetch(*(part.folder for part in parts))
            if not _forget_changed(parts, looked):
                put_together(parts, _blocks(plan, opinion, source))

    looked: set[str] = set()
    is_shared = run.is_joined or plan.executor.is_shared or any(part.folder.is_dir() for part in parts)
    store = made()
    if store is None and Store.read(path, rows=False) is not None and run.leases.take(path.stem):
        if made() is None:  # its rows were dropped, or others are wanted now
            Store.forget(path)
        run.leases.release(path.stem)
    while store is None:
        if is_shared and run.leases.is_free(path.stem):  # else another process makes all of it
            make_parts(plan, parts, parts, run, notify)
        if run.leases.take(path.stem):
            try:
                if made() is None:
                    make()
            finally:
                run.leases.release(path.stem)
        else:
            _wait(notify)
        store = made()
    return store


def _forget_changed(parts: Sequence[InputPart], looked: set[str]) -> bool:
    """Return whether files have changed since parts were made of them, which are deleted; each is looked at once."""
    with stopping_at_once():
        changed = [part for part in parts if part.name not in looked and part.has_changed]
    looked.update(part.name for part in parts)
    for part in changed:
        part.delete()
    return bool(changed)


def make_parts(
    plan: Plan, wanted: Sequence[InputPart], parts: Sequence[InputPart], run: RunFolder, notify: Listener
) -> None:
    """Carry out the ``wanted`` of all ``parts`` of a file."""
    notify(StepStarted(parts[0].step, len(parts[0].source)))
    plan.executor.run_alone(wanted, run.leases, told_of_all(parts, notify))


def parts_of_inputs(plan: Plan, opinion: PlannedOpinion, run: RunFolder) -> list[InputPart]:
    """Return the parts of the pixels or features that a model is trained on, or of which its features are made."""
    source, frozen = plan.dataset.inputs, None
    assert are_images(source)
    if opinion.frozen is not None:
        assert is_backbone(opinion.frozen)
        assert opinion.engine is not None
        frozen = Frozen(backbone=opinion.frozen, engine=opinion.engine, mirror=opinion.mirrored)
    whole, images = inputs_of(plan, opinion, run), _blocks(plan, opinion, source)
    ranges = ranges_of(len(source), plan.config.store.images_per_part)
    return [
        InputPart(
            whole=whole,
            part=number,
            n_parts=len(ranges),
            rows=rows,
            source=images,
            frozen=frozen,
            cache=plan.config.cache,
            device=plan.device,
        )
        for number, rows in enumerate(ranges)
    ]


def parts_of_run(plan: Plan, run: RunFolder) -> list[list[InputPart]]:
    """Return the parts of each file that is made from images; models that see the same share it."""
    of_images = [one for one in plan.opinions if one.image_shape is not None]
    by_file = {inputs_of(plan, one, run): one for one in reversed(of_images)}
    return [parts_of_inputs(plan, one, run) for one in reversed(by_file.values())]


def _blocks(plan: Plan, opinion: PlannedOpinion, source: ImageSource) -> ImageBlocks:
    config = plan.config
    assert opinion.image_shape is not None
    return ImageBlocks(
        source=source,
        shape=opinion.image_shape,
        max_pixels=config.dataset.max_pixels,
        workers=config.store.workers,
    )


def _make_at_once(plan: Plan, opinion: PlannedOpinion, source: ImageSource, run: RunFolder, notify: Listener) -> Store:
    path, frozen, images = inputs_of(plan, opinion, run), opinion.frozen, _blocks(plan, opinion, source)
    if frozen is not None:
        assert is_backbone(frozen)
        assert opinion.engine is not None
        with _cache(plan, run, notify) as cache:
            return embed(
                images,
                frozen,
                path,
                cache=cache,
                mirror=opinion.mirrored,
                device=plan.device,
                choice=opinion.engine,
                notify=notify,
            )
    is_in_memory = isinstance(source, ImageArray) and source.images.shape[1:] == images.shape  # nothing will be decoded
    with nullcontext(Cache(run.inputs / CACHE)) if is_in_memory else _cache(plan, run, notify) as cache:
        return build_store(images, path, cache=cache, notify=notify)


def _embed_texts(
    plan: Plan, inputs: Texts, opinions: Sequence[PlannedOpinion], run: RunFolder, notify: Listener
) -> None:
    for opinion in opinions:
        path = inputs_of(plan, opinion, run)
        if opinion.frozen is not None and is_text_embedding(opinion.frozen) and not path.is_file():
            with _cache(plan, run, notify) as cache:
                embed_texts(inputs.texts, opinion.frozen, opinion.fingerprint, path, cache=cache, notify=notify)


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
