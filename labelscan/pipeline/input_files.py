"""Where the inputs of models lie: pixels of images, features that a frozen backbone has of them, or rows of a table."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from labelscan.data.cache import Cache, open_cache
from labelscan.data.inputs import FeatureTable
from labelscan.events import Event, Listener, Warned
from labelscan.pipeline.planned_opinions import PlannedOpinion
from labelscan.pipeline.planning import Plan
from labelscan.results.run_folder import RunFolder
from labelscan.training.shard_files import CACHE

T = TypeVar("T")


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


def _number(kinds: list[T], kind: T) -> int:
    """Return the number of a kind among those that differ."""
    return list(dict.fromkeys(kinds)).index(kind)


def cache_of(plan: Plan, run: RunFolder, notify: Listener) -> AbstractContextManager[Cache]:
    """Return the cache of a run; what it warns of is told once."""

    def warn_once(event: Event) -> None:
        if isinstance(event, Warned) and event.message not in run.warned:
            run.warned.add(event.message)
            notify(event)

    return open_cache(plan.config.cache, run.inputs / CACHE, warn_once)
