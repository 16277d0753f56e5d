"""What is known of the labels of a corrected copy: which were decided, and how many wrong ones are left.

``apply`` writes it beside the copy, and the next run on the copy reads it there and keeps it in its folder. It is about
exactly those labels: where one has changed since, or an example has come or gone, nothing of it is used.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelscan.correction.corrections import Corrections
from labelscan.correction.decisions import Decision
from labelscan.errors import DecisionsError, RunFolderError
from labelscan.files.atomic import write_json
from labelscan.files.reading import with_home
from labelscan.files.urls import is_url
from labelscan.results.run import FinishedRun
from labelscan.results.wrong_labels import MeasuredBefore, WrongLabels
from labelscan.runs.files import REMEMBERED_FILE, as_json, read_versioned

FORMAT_VERSION = 1
SUFFIX = ".review.json"
"""Appended to the whole name of a copy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What a person has decided about the labels of a corrected copy."""

    labels: str
    """The fingerprint of all ids and labels of the copy."""
    right: tuple[str, ...]
    """The ids whose labels were decided to be right, or corrected by a decision."""
    measured: MeasuredBefore | None
    """How many wrong labels are left of those measured; null where none were measured."""

    def is_about(self, labels: Mapping[str, str]) -> bool:
        """Return whether this is about data with exactly these labels, by example id."""
        return self.labels == fingerprint_of(labels)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, {"format_version": FORMAT_VERSION} | as_json(self))


def read_remembered(path: Path) -> Remembered:
    """Return what ``write`` wrote.

    Raises:
        DecisionsError: the file is damaged.
    """
    try:
        return read_versioned(path, Remembered, FORMAT_VERSION, extra=True)
    except RunFolderError as error:
        problem = f"is not what labelscan apply writes beside a copy: {error.problems[0].problem}"
        hint = "delete it, and the next run knows of no earlier decisions; or make the copy again"
        raise DecisionsError("not-remembered", problem, where=str(path), hint=hint) from error


def beside(data: str | Path) -> Path:
    """Return where lies what is known of a copy."""
    place = with_home(data)
    return place.parent / f"{place.name}{SUFFIX}"


def remembered_beside(data: str | Path) -> Remembered | None:
    """Return what is known of the labels of ``data``, a path as it was given; None where nothing lies beside it."""
    if not str(data) or is_url(str(data)) or not beside(data).is_file():
        return None
    return read_remembered(beside(data))


def remembered_by(run: FinishedRun) -> Remembered | None:
    """Return what a run knew of its labels when it began, where they are a corrected copy."""
    path = run.folder / REMEMBERED_FILE
    if not path.is_file():
        return None
    run.record.check_intact(run.folder, REMEMBERED_FILE)
    return read_remembered(path)


def remember(
    labels: Mapping[str, str],
    corrections: Corrections,
    decisions: Sequence[Decision],
    *,
    before: Remembered | None,
    wrong: WrongLabels,
    new_ids: Mapping[str, str],
) -> Remembered:
    """Return what is known of a corrected copy.

    Args:
        labels: of the copy, by the ids of the run.
        corrections: what was changed in it.
        decisions: of which the corrections came, one an example.
        before: what was known of the run's own labels.
        wrong: how many labels of the run are wrong, by these decisions.
        new_ids: the ids in the copy, of the examples that have others there.
    """
    unsure = {one.example_id for one in decisions if one.verdict == "unsure"}
    right = {*(before.right if before else ()), *(one.example_id for one in decisions)} - unsure
    ids = {one: new_ids.get(one, one) for one in labels}
    return Remembered(
        labels=fingerprint_of({ids[one]: label for one, label in labels.items()}),
        right=tuple(sorted(ids[one] for one in right if one in ids)),
        measured=_left(wrong, corrections) if wrong.is_measured else None,
    )


def _left(wrong: WrongLabels, corrections: Corrections) -> MeasuredBefore:
    """Return how many wrong labels are left. One that only its flag changed may have been right, or be wrong now."""
    assert wrong.high is not None, "it was measured"
    scored = [one for one in corrections.changes.values() if one.error_probability is not None]
    n_fixed = sum(one.reason == "decision" for one in scored)
    n_flagged = len(scored) - n_fixed
    n_relabelled = sum(one.reason == "flag" and one.action == "relabel" for one in scored)
    earlier = wrong.before if wrong.source == "earlier decisions" else None
    return MeasuredBefore(
        low=earlier.low if earlier else wrong.low,
        high=earlier.high if earlier else wrong.high,
        n_decided=wrong.n_decided + (wrong.before.n_decided if wrong.before and not earlier else 0),
        n_fixed=n_fixed + (earlier.n_fixed if earlier else 0),
        low_left=max(wrong.low - n_fixed - n_flagged, 0),
        high_left=max(wrong.high - n_fixed + n_relabelled, 0),
    )


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return what is the same for the same labels by id, in whatever order."""
    whole = hashlib.sha256()
    for one in sorted(f"{example_id}\0{label}" for example_id, label in labels.items()):
        whole.update(hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest())
    return whole.hexdigest()
