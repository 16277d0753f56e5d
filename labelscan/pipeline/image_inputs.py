"""The inputs made of images: decoded, or passed through a frozen backbone, in one stream or part by part."""

from collections.abc import Sequence
from contextlib import nullcontext

from labelscan.data.cache import Cache
from labelscan.data.image_blocks import ImageBlocks
from labelscan.data.inputs import ImageSource, are_images
from labelscan.data.store import Store
from labelscan.events import Listener, StepStarted, pause
from labelscan.interruption import stopping_at_once
from labelscan.pipeline.input_files import cache_of, inputs_of
from labelscan.pipeline.planned_opinions import PlannedOpinion
from labelscan.pipeline.planning import Plan
from labelscan.results.run_folder import WRITER, RunFolder
from labelscan.training.input_parts import FeatureMaker, InputPart, make_inputs, put_together, ranges_of, told_of_all
from labelscan.training.job_queue import POLL_SECONDS
from labelscan.training.models import is_backbone
from labelscan.training.shard_files import CACHE


def make_store(plan: Plan, opinion: PlannedOpinion, source: ImageSource, run: RunFolder, notify: Listener) -> Store:
    """Make the file that the folds of a model read: features, or pixels where all of the model is trained.

    It is made in one stream where one process works on the run, else part by part.

    Raises:
        JudgedMeanwhile: other processes have finished the run that this one works on.
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
            if not _forget_unusable(parts, looked):
                put_together(parts, blocks_of(plan, opinion, source))
                run.put()  # while no other process may look for the parts

    looked: set[str] = set()
    is_shared = run.is_joined or plan.executor.is_shared or any(part.folder.is_dir() for part in parts)
    while (store := made()) is None:
        is_unfit = Store.read(path, rows=False) is not None  # its rows were dropped, or others are wanted now
        if is_unfit and run.is_joined and not run.leases.is_free(WRITER):  # who may be about to finish the run
            pause(POLL_SECONDS, notify)
            continue
        if is_shared and not is_unfit and run.leases.is_free(path.stem):  # else another process makes all of it
            make_parts(plan, parts, parts, run, notify)
        if not run.leases.take(path.stem):
            pause(POLL_SECONDS, notify)
            continue
        try:
            if made() is None:
                Store.forget(path)
                make()
        finally:
            run.leases.release(path.stem)
    return store


def _forget_unusable(parts: Sequence[InputPart], looked: set[str]) -> bool:
    """Return whether parts have no rows, or their files have changed, which is looked for once; they are deleted."""
    with stopping_at_once():
        unusable = [part for part in parts if not part.is_usable(looks=part.name not in looked)]
    looked.update(part.name for part in parts)
    for part in unusable:
        part.delete()
    return bool(unusable)


def make_parts(
    plan: Plan, wanted: Sequence[InputPart], parts: Sequence[InputPart], run: RunFolder, notify: Listener
) -> None:
    """Carry out the ``wanted`` of all ``parts`` of a file."""
    notify(StepStarted(parts[0].step, len(parts[0].source)))
    plan.executor.run_alone(wanted, run.leases, told_of_all(parts, notify))


def parts_of_inputs(plan: Plan, opinion: PlannedOpinion, run: RunFolder) -> list[InputPart]:
    """Return the parts of the pixels or features that a model is trained on, or of which its features are made."""
    source, maker = plan.dataset.inputs, feature_maker_of(opinion)
    assert are_images(source)
    whole, images = inputs_of(plan, opinion, run), blocks_of(plan, opinion, source)
    ranges = ranges_of(len(source), plan.config.store.images_per_part)
    return [
        InputPart(
            whole=whole,
            part=number,
            n_parts=len(ranges),
            rows=rows,
            source=images,
            feature_maker=maker,
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


def blocks_of(plan: Plan, opinion: PlannedOpinion, source: ImageSource) -> ImageBlocks:
    """Return images as a model sees them."""
    config = plan.config
    assert opinion.image_shape is not None
    return ImageBlocks(
        source=source,
        shape=opinion.image_shape,
        max_pixels=config.dataset.max_pixels,
        workers=config.store.workers,
    )


def _make_at_once(plan: Plan, opinion: PlannedOpinion, source: ImageSource, run: RunFolder, notify: Listener) -> Store:
    path, images = inputs_of(plan, opinion, run), blocks_of(plan, opinion, source)
    is_cached = opinion.frozen is not None or not images.are_there
    with cache_of(plan, run, notify) if is_cached else nullcontext(Cache(run.inputs / CACHE)) as cache:
        return make_inputs(images, path, feature_maker_of(opinion), cache=cache, device=plan.device, notify=notify)


def is_decoded_for(plan: Plan, opinion: PlannedOpinion) -> bool:
    """Return whether the pixels that a model is trained on are to be made."""
    source = plan.dataset.inputs
    if not are_images(source) or opinion.image_shape is None or opinion.frozen is not None:
        return False
    return not blocks_of(plan, opinion, source).are_there


def feature_maker_of(opinion: PlannedOpinion) -> FeatureMaker | None:
    """Return what makes features of images for a model, or None where it is trained on their pixels."""
    if opinion.frozen is None:
        return None
    assert is_backbone(opinion.frozen)
    assert opinion.engine is not None
    return FeatureMaker(backbone=opinion.frozen, engine=opinion.engine, mirror=opinion.mirrored)
