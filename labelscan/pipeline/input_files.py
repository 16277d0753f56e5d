"""Where the inputs of models lie: pixels of images, features that a frozen backbone has of them, or rows of a table."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from labelscan.data.inputs import FeatureTable
from labelscan.events import Listener
from labelscan.images.cache import Cache, open_cache
from labelscan.jobs.files import CACHE
from labelscan.pipeline.planned_members import PlannedMember
from labelscan.pipeline.planning import Plan
from labelscan.runs.folder import RunPaths

T = TypeVar("T")


def inputs_of(plan: Plan, member: PlannedMember, paths: RunPaths) -> Path:
    """Return the file that the folds of a model read; models that see the same share one."""
    if member.frozen is not None:
        kinds = [(one.frozen, one.image_shape) for one in plan.members if one.frozen is not None]
        return paths.features(_number(kinds, (member.frozen, member.image_shape)))
    if member.image_shape is not None:
        return paths.images(
            _number([one.image_shape for one in plan.members if one.frozen is None], member.image_shape)
        )
    return paths.features(0) if isinstance(plan.dataset.inputs, FeatureTable) else paths.rows


def _number(kinds: list[T], kind: T) -> int:
    """Return the number of a kind among those that differ."""
    return list(dict.fromkeys(kinds)).index(kind)


def cache_of(plan: Plan, paths: RunPaths, notify: Listener) -> AbstractContextManager[Cache]:
    """Return the cache of a run."""
    return open_cache(plan.config.cache, paths.inputs / CACHE, notify)
