"""A finished run as a page that somebody can judge: its numbers with their ranges, and its suspects with pictures.

The tables of the run are enough for all but pictures and features. Images are opened where the run found their files;
of arrays, tables and data that has moved the data set is read again. What is no longer there is said, and never in
the way of the rest.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import pandas as pd

from labelscan.arrays import as_strings
from labelscan.config import RUN_JSON_SETTINGS, DatasetConfig
from labelscan.data.dataset import Dataset, FeatureTable, ImageFiles, ImageSource
from labelscan.data.readers.class_folders import is_called_image
from labelscan.errors import LabelscanError, UsageError
from labelscan.events import Listener, ignore
from labelscan.reporting.formats import FILE_NAMES, FORMATS
from labelscan.reporting.intervals import estimate_flagged_precision, estimate_wrong_labels
from labelscan.reporting.page import (
    FEATURES,
    IMAGES,
    LEFT_OUT,
    PROBABILITIES,
    ExampleKind,
    FeatureNote,
    Picture,
    ReportPage,
    Suspect,
    TypicalExample,
)
from labelscan.reporting.pictures import make_pictures
from labelscan.reporting.run_facts import make_run_facts
from labelscan.reporting.typical_examples import choose_typical
from labelscan.reporting.unusual_features import StandingOut
from labelscan.results.finished_run import FinishedRun, part_of
from labelscan.results.issues import TRUE_LABEL
from labelscan.results.protected_paths import in_run_folder, refuse_only_read
from labelscan.results.run_files import DIRECTORY
from labelscan.results.source import read_again

TOP = 200
"""How many suspects a report shows by default."""

Record: TypeAlias = Mapping[str, Any]  # a row of the table of scores, by column


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What there is to see of the examples shown, by example id."""

    kind: ExampleKind
    pictures: Mapping[str, Picture | str]
    """Or why there is none."""
    features: Mapping[str, tuple[FeatureNote, ...]]
    notes: tuple[str, ...] = ()
    no_picture: str = ""
    """Why there are none at all."""

    def picture(self, example_id: str) -> Picture | None:
        found = self.pictures.get(example_id)
        return found if isinstance(found, Picture) else None

    def why_none(self, example_id: str) -> str:
        found = self.pictures.get(example_id, self.no_picture)
        return found if isinstance(found, str) else ""


def make_report_page(
    run: FinishedRun,
    *,
    top: int = TOP,
    data: str = "",
    pictures: bool = True,
    image_root: str = "",
    notify: Listener = ignore,
) -> ReportPage:
    """Return all that a report of a run shows.

    Args:
        run: of ``detect`` or ``score``.
        top: how many suspects are shown, most doubtful first.
        data: where the data lies now; empty is where the run found it.
        pictures: whether examples are shown, and not only listed.
        image_root: the document root of a Label Studio that serves the images itself.
        notify: receives the progress of reading and of the pictures.

    Raises:
        DatasetError: ``data`` is not the data of the run; data that is not named and not found is noted only.
        UsageError: ``data`` is named where none is opened.
    """
    _refuse_unused(run, data, pictures=pictures)
    scores = run.issues.scores
    flagged = np.flatnonzero(scores["flagged"].to_numpy(dtype=bool))
    shown = _records(scores, flagged[:top].tolist())
    wanted = chain.from_iterable((str(one["given_label"]), str(one["suggested_label"])) for one in shown)
    kind = _kind(run, shown)
    rows_of_classes = choose_typical(scores, list(wanted)) if pictures and kind == IMAGES else {}
    typical = {name: _records(scores, rows) for name, rows in rows_of_classes.items()}
    examples = [*shown, *chain.from_iterable(typical.values())]
    seen = _look(run, shown, examples, kind=kind, data=data, pictures=pictures, notify=notify)
    return ReportPage(
        run=str(run.folder),
        data=str(run.summary.get("data", "")),
        data_fingerprint=str(run.recorded("data").get("fingerprint", "")),
        summary=run.summary,
        wrong_labels=estimate_wrong_labels(run),
        flagged_precision=estimate_flagged_precision(run),
        facts=make_run_facts(run),
        class_names=_class_names(run.summary),
        suspects=tuple(_suspect(one, seen) for one in shown),
        n_flagged=len(flagged),
        typical=_typical(typical, seen),
        kind=seen.kind,
        notes=seen.notes,
        directory=str(run.record.get(DIRECTORY, "")),
        image_root=image_root,
    )


def write_report(run: FinishedRun, page: ReportPage, form: str, path: Path | None = None, *, data: str = "") -> Path:
    """Write the page of a run in one of its forms and return the file.

    Args:
        run: that the page is of.
        page: from ``make_report_page``.
        form: one of ``FORMATS``.
        path: None is that of the form in the run folder.
        data: where the data lies now, so that it is not written over; empty is where the run found it.

    Raises:
        UsageError: a folder lies there, or what is only read.
    """
    file_name = FORMATS[form].file_name
    usual, path = path is None, path or run.folder / file_name
    refuse_only_read(path, run, data=data, makes=FILE_NAMES)
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), hint=f"name a file, as in {path / file_name}")
    with in_run_folder(run) if usual else nullcontext():
        FORMATS[form].write(page, path)
    return path


def shows_examples(forms: Collection[str], image_root: str = "") -> bool:
    """Return whether any of these forms of a report shows pictures or features, for which the data is opened."""
    return "html" in forms or ("label-studio" in forms and not image_root)


def _refuse_unused(run: FinishedRun, data: str, *, pictures: bool) -> None:
    if data and not pictures:
        raise UsageError("data is named, and no picture is wanted of it", where="data", hint="leave one of them out")
    if data and run.is_of_score:
        hint = "leave it out: images are opened where the path column of the probabilities has them"
        raise UsageError("a report of probabilities opens no data", where="data", hint=hint)


def _look(
    run: FinishedRun,
    shown: Sequence[Record],
    examples: Sequence[Record],
    *,
    kind: ExampleKind,
    data: str,
    pictures: bool,
    notify: Listener,
) -> _Seen:
    """Return what there is to see: of ``shown`` features, of all ``examples`` pictures."""
    if kind == PROBABILITIES or not pictures:
        return _Seen(kind=kind, pictures={}, features={}, no_picture=LEFT_OUT if kind == IMAGES else "")
    if kind == IMAGES and not data and all(one["path"] for one in examples):
        files = ImageFiles(Path(), as_strings([str(run.locate(str(one["path"])).absolute()) for one in examples]))
        return _pictures(run, files, {str(one["example_id"]): row for row, one in enumerate(examples)}, notify)
    try:
        dataset = read_again(run, data=data, notify=notify)
    except (LabelscanError, OSError) as error:
        if data:  # somebody who names it wants to know
            raise
        what = "pictures" if kind == IMAGES else "features"
        note = f"without {what}, since the data could not be read again: {' '.join(str(error).split())}"
        return _Seen(kind=kind, pictures={}, features={}, notes=(note,), no_picture="the data could not be read again")
    rows = _rows(dataset, examples)
    if isinstance(dataset.inputs, FeatureTable):
        return _Seen(kind=FEATURES, pictures={}, features=_features(dataset, dataset.inputs, shown, rows))
    return _pictures(run, dataset.inputs, rows, notify)


def _records(scores: pd.DataFrame, rows: Sequence[int]) -> list[Record]:
    return cast(list[Record], scores.iloc[list(rows)].to_dict("records"))


def _kind(run: FinishedRun, shown: Sequence[Record]) -> ExampleKind:
    if run.is_of_score:
        return IMAGES if shown and all(is_called_image(str(one["path"])) for one in shown) else PROBABILITIES
    is_image = run.recorded("choices").get("image_shape") is not None
    return IMAGES if is_image else FEATURES


def _rows(dataset: Dataset, examples: Sequence[Record]) -> Mapping[str, int]:
    """Return by example id its row, of those shown: a dictionary of all would be large."""
    wanted = {str(one["example_id"]) for one in examples}
    return {name: row for row, name in enumerate(dataset.example_ids.tolist()) if name in wanted}


def _pictures(run: FinishedRun, images: ImageSource, rows: Mapping[str, int], notify: Listener) -> _Seen:
    # A run of probabilities has no settings of images.
    max_pixels = part_of(run.recorded(RUN_JSON_SETTINGS), "dataset").get("max_pixels", DatasetConfig().max_pixels)
    made = make_pictures(images, list(rows.values()), max_pixels=int(str(max_pixels)), notify=notify)
    by_id = {example_id: made[row] for example_id, row in rows.items()}
    reasons = [picture for picture in by_id.values() if isinstance(picture, str)]
    notes: tuple[str, ...] = ()
    if reasons and len(reasons) == len(by_id):
        none = f"none of the images shown could be opened ({reasons[0]}, as {images.path(next(iter(rows.values())))})"
        if run.is_of_score:
            return _Seen(kind=PROBABILITIES, pictures={}, features={}, notes=(none,))
        notes = (f"{none}: if the data lies elsewhere now, name it by --data",)
    elif reasons:
        notes = (f"{len(reasons):,} of {len(by_id):,} images shown could not be opened",)
    return _Seen(kind=IMAGES, pictures=by_id, features={}, notes=notes)


def _features(
    dataset: Dataset, table: FeatureTable, shown: Sequence[Record], rows: Mapping[str, int]
) -> Mapping[str, tuple[FeatureNote, ...]]:
    standing_out = StandingOut(table, dataset.given_labels)
    place = {name: label for label, name in enumerate(dataset.class_names)}
    return {
        str(one["example_id"]): standing_out.notes(
            rows[str(one["example_id"])], given=place[one["given_label"]], suggested=place[one["suggested_label"]]
        )
        for one in shown
    }


def _suspect(one: Record, seen: _Seen) -> Suspect:
    example_id = str(one["example_id"])
    return Suspect(
        rank=int(one["rank"]),
        example_id=example_id,
        path=str(one["path"]),
        given_label=str(one["given_label"]),
        suggested_label=str(one["suggested_label"]),
        error_probability=_number(one["error_probability"]),
        self_confidence=_number(one["self_confidence"]),
        suggested_confidence=_number(one["suggested_confidence"]),
        flagged_by=tuple(str(one["flagged_by"]).split("|")),
        true_label=str(one[TRUE_LABEL]) if TRUE_LABEL in one else None,
        picture=seen.picture(example_id),
        no_picture=seen.why_none(example_id),
        features=seen.features.get(example_id, ()),
    )


def _typical(typical: Mapping[str, Sequence[Record]], seen: _Seen) -> dict[str, tuple[TypicalExample, ...]]:
    """Return typical examples, those without a picture left out: there is nothing to compare with in them."""
    found: dict[str, tuple[TypicalExample, ...]] = {}
    for name, examples in typical.items():
        ids = [str(one["example_id"]) for one in examples]
        pictures = [(example_id, seen.picture(example_id)) for example_id in ids]
        kept = tuple(TypicalExample(example_id=one, picture=picture) for one, picture in pictures if picture)
        if kept:
            found[name] = kept
    return found


def _class_names(summary: Mapping[str, object]) -> tuple[str, ...]:
    health = summary.get("class_health")
    return tuple(str(one["class_name"]) for one in health) if isinstance(health, Sequence) else ()


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
