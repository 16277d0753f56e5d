"""The inputs made of images: decoded, or passed through a frozen backbone, in one stream or block by block."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from time import monotonic

from labelscan.config import fingerprint
from labelscan.data.inputs import are_images
from labelscan.events import Event, Listener, PartDone, StepAdvanced, StepDone, StepStarted, pause
from labelscan.files.atomic import one_at_a_time
from labelscan.files.checksums import is_intact, making
from labelscan.images.blocks import ImageBlocks
from labelscan.images.cache import Cache, open_cache
from labelscan.images.sources import ImageSource
from labelscan.images.store import Store
from labelscan.jobs.blocks import BlockJob, FeatureMaker, block_jobs, made_by, make_inputs, put_together
from labelscan.jobs.files import CACHE, LOCK_SUFFIX
from labelscan.jobs.outputs import Driver
from labelscan.jobs.run_job import Job
from labelscan.jobs.where import Where
from labelscan.pipeline.planned_members import PlannedMember
from labelscan.pipeline.planning import Plan, PlannedRun
from labelscan.processes.interruption import stopping_at_once

POLL_SECONDS = 0.2


def make_store(planned: PlannedRun, member: PlannedMember, source: ImageSource, notify: Listener) -> Store:
    """Make the file that the folds of a model read: features, or pixels where all of the model is trained.

    It is made in one stream where this process makes it alone, else of the blocks that others have made.
    """
    path, outputs = file_of(planned, member), planned.paths.outputs
    path.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(path.with_suffix(LOCK_SUFFIX), lambda: pause(POLL_SECONDS, notify)):
        store = read_store(planned, member)
        if store is not None and len(store) == len(source):
            return store
        with making(path, made_from_of(member), notify):
            Store.forget(path)
            jobs = blocks_of_inputs(planned.plan, member)
            if planned.executor.runs_elsewhere or any(map(outputs.was_done, jobs)):
                return _make_of_blocks(planned, jobs, source, path, notify)
            return _make_at_once(planned, member, source, path, notify)


def read_store(planned: PlannedRun, member: PlannedMember) -> Store | None:
    """Return the rows that a model reads, made by what makes them on this machine, or None where there are none.

    They do not count where they have changed since they were written. Whether they are of these images, their digests
    tell.
    """
    path = file_of(planned, member)
    store, wanted = Store.read(path), (member.image_shape, made_by(feature_maker_of(member), planned.device))
    is_wanted = store is not None and (store.shape, store.maker) == wanted
    return store if is_wanted and is_intact(path, made_from_of(member)) else None


def file_of(planned: PlannedRun, member: PlannedMember) -> Path:
    """Return the file that the folds of a model read."""
    return planned.paths.inputs / planned.plan.inputs_of(member)


def cache_of(planned: PlannedRun, notify: Listener) -> AbstractContextManager[Cache]:
    """Return the cache of a run."""
    return open_cache(planned.plan.config.cache, planned.paths.inputs / CACHE, notify)


def made_from_of(member: PlannedMember) -> str:
    """Return a text that changes with the frozen network that sees an image; models that share a file have the same."""
    if member.frozen is None:
        return "as-they-are"
    name = getattr(member.frozen, "name", type(member.frozen).__name__)  # which those of other packages may lack
    return fingerprint([name, member.fingerprint, member.mirrored])


def _make_of_blocks(
    planned: PlannedRun, jobs: Sequence[BlockJob], source: ImageSource, path: Path, notify: Listener
) -> Store:
    outputs = planned.paths.outputs
    whole = replace(jobs[0].images, source=source)
    while True:
        run_blocks(planned, jobs, notify)
        store = put_together([outputs.read_block(job) for job in jobs], whole, path)
        with stopping_at_once():
            has_changed = len(store.changed(source, only_known=True)) > 0
        for job in jobs:
            outputs.forget(job)
        if not has_changed:  # else the files are others than those that the blocks were made of
            return store


def run_blocks(planned: PlannedRun, jobs: Sequence[BlockJob], notify: Listener) -> None:
    """Make the blocks that are not made yet, and store them."""
    outputs, here = planned.paths.outputs, where_of_blocks(planned)

    def where(_: Job) -> Where:
        return here

    todo = [job for job in jobs if not outputs.is_done(job, None if planned.only_merges else here)]
    sizes = {job.part: len(job.images) for job in jobs}
    n_done = sum(sizes.values()) - sum(len(job.images) for job in todo)
    step, started = jobs[0].step, monotonic()

    def listen(event: Event) -> None:
        nonlocal n_done
        if isinstance(event, StepAdvanced):  # of one block
            event = StepAdvanced(event.step, n_done + event.done)
        notify(event)
        if isinstance(event, PartDone):
            n_done += sizes[event.part]
            notify(StepAdvanced(step, n_done))

    notify(StepStarted(step, sum(sizes.values())))
    planned.executor.run(todo, Driver({}, where, outputs, listen))
    notify(StepDone(step, monotonic() - started))


def where_of_blocks(planned: PlannedRun) -> Where:
    """Return where a block of inputs is made: by all cores of a machine, whose threads take an image each."""
    plan, device = planned.plan, planned.device
    engines = {made_by(feature_maker_of(one), device) for one in plan.members if one.image_shape is not None}
    return Where(device=device, threads=1, engine=" ".join(sorted(engines)), cache=plan.config.cache)


def blocks_of_inputs(plan: Plan, member: PlannedMember) -> list[BlockJob]:
    """Return the jobs that make the pixels or features that a model is trained on."""
    source, maker = plan.dataset.inputs, feature_maker_of(member)
    assert are_images(source)
    others = ("model_reason", "loss", "recipe")
    choices = {key: value for key, value in member.choices.items() if key not in others}
    return block_jobs(
        Path(plan.inputs_of(member)).stem,
        blocks_of(plan, member, source),
        maker,
        size=plan.config.store.images_per_part,
        made_from=fingerprint([plan.data_fingerprint, choices, plan.config.dataset.max_pixels]),
    )


def blocks_of_run(plan: Plan) -> list[list[BlockJob]]:
    """Return the blocks of each file that is made from images; models that see the same share it."""
    of_images = [one for one in plan.members if one.image_shape is not None]
    by_file = {plan.inputs_of(one): one for one in reversed(of_images)}
    return [blocks_of_inputs(plan, one) for one in reversed(by_file.values())]


def blocks_of(plan: Plan, member: PlannedMember, source: ImageSource) -> ImageBlocks:
    """Return images as a model sees them."""
    config = plan.config
    assert member.image_shape is not None
    return ImageBlocks(
        source=source,
        shape=member.image_shape,
        max_pixels=config.dataset.max_pixels,
        workers=config.store.workers,
    )


def _make_at_once(
    planned: PlannedRun, member: PlannedMember, source: ImageSource, path: Path, notify: Listener
) -> Store:
    images = blocks_of(planned.plan, member, source)
    is_cached = member.frozen is not None or not images.are_there
    with cache_of(planned, notify) if is_cached else nullcontext(Cache(path.with_name(CACHE))) as cache:
        return make_inputs(images, path, feature_maker_of(member), cache=cache, device=planned.device, notify=notify)


def is_decoded_for(plan: Plan, member: PlannedMember) -> bool:
    """Return whether the pixels that a model is trained on are to be made."""
    source = plan.dataset.inputs
    if not are_images(source) or member.image_shape is None or member.frozen is not None:
        return False
    return not blocks_of(plan, member, source).are_there


def feature_maker_of(member: PlannedMember) -> FeatureMaker | None:
    """Return what makes features of images for a model, or None where it is trained on their pixels."""
    if member.frozen is None:
        return None
    assert member.frozen.kind == "backbone"
    assert member.engine is not None
    return FeatureMaker(backbone=member.frozen, engine=member.engine, mirror=member.mirrored)
