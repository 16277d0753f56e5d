"""A finished run as a page that a person can judge: its numbers with their ranges, and its suspects with pictures.

The tables of the run have everything but pictures and features. Images are opened where the run found their files;
arrays, tables and data that has moved are read again. What is gone is noted and does not stop the rest.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import pandas as pd

from labelscan.arrays import as_strings
from labelscan.config import RUN_JSON_SETTINGS, DatasetConfig
from labelscan.data.dataset import Dataset, FeatureTable, ImageFiles, ImageSource, are_images
from labelscan.data.readers.class_folders import is_called_image
from labelscan.errors import LabelscanError, RunFolderError, UsageError
from labelscan.events import Listener, ignore
from labelscan.reporting.formats import FILE_NAMES, FORMATS
from labelscan.reporting.measurement import make_measurement, read_sample
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
from labelscan.reporting.unusual_features import UnusualFeatures
from labelscan.results.finished_run import FinishedRun, part_of
from labelscan.results.issues import TRUE_LABEL
from labelscan.results.protected_paths import in_run_folder, refuse_only_read
from labelscan.results.run_files import DIRECTORY, FRESH, MEASURE_FILE
from labelscan.results.source import read_again
from labelscan.results.wrong_labels import read_wrong_labels

TOP = 200
"""How many suspects a report shows by default."""

Record: TypeAlias = Mapping[str, Any]  # a row of the table of scores, by column


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What can be shown of the examples, by example id."""

    kind: ExampleKind
    pictures: Mapping[str, Picture | str] = field(default_factory=dict)
    """Each a picture, or why there is none."""
    no_picture: str = ""
    """Why all others have none."""
    features: Mapping[str, tuple[FeatureNote, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def make_report_page(
    run: FinishedRun,
    *,
    top: int = TOP,
    data: str = "",
    pictures: bool = True,
    image_root: str = "",
    notify: Listener = ignore,
) -> ReportPage:
    """Return the content of a report; the arguments are those of ``labelscan.report``.

    Raises:
        DatasetError: ``data`` is not the data of the run. Data that is missing and not named is only noted.
        UsageError: ``data`` is named, and none is opened.
    """
    _refuse_unused(run, data, pictures=pictures)
    scores = run.issues.scores
    flagged = np.flatnonzero(scores["flagged"].to_numpy(dtype=bool))
    shown = _records(scores, flagged[:top].tolist())
    sample = _sample(run, scores)
    to_decide = list({one["example_id"]: one for one in (*shown, *sample)}.values())
    kind = _kind(run, to_decide)
    typical: dict[str, list[Record]] = {}
    if pictures and kind == IMAGES:
        classes = [one[name] for one in to_decide for name in ("given_label", "suggested_label")]
        typical = {name: _records(scores, rows) for name, rows in choose_typical(scores, classes).items()}
    if not pictures or kind == PROBABILITIES:
        seen = _Seen(kind=kind, no_picture=LEFT_OUT if kind == IMAGES else "")
    else:
        seen = _look(run, to_decide, [*to_decide, *chain.from_iterable(typical.values())], data, notify)
    by_id = {one["example_id"]: _suspect(one, seen) for one in to_decide}
    suspects = tuple(by_id[one["example_id"]] for one in shown)
    return ReportPage(
        run=str(run.folder),
        data=str(run.summary.get("data", "")),
        data_fingerprint=str(run.recorded("data").get("fingerprint", "")),
        summary=run.summary,
        wrong_labels=read_wrong_labels(run.summary),
        facts=make_run_facts(run),
        class_names=_class_names(run.summary),
        suspects=suspects,
        n_flagged=len(flagged),
        measurement=make_measurement(run, [by_id[one["example_id"]] for one in sample], suspects),
        typical=_typical(typical, seen),
        kind=seen.kind,
        notes=seen.notes,
        directory=str(run.record.get(DIRECTORY, "")),
        image_root=image_root,
    )


def write_report(run: FinishedRun, page: ReportPage, form: str, path: Path | None = None, *, data: str = "") -> Path:
    """Write the page of a run in one of ``FORMATS`` and return the file.

    Args:
        run: the run that the page is about.
        page: its content.
        form: the name of the format.
        path: None means the usual file of the format in the run folder.
        data: the data if it was named, so that it is not overwritten.

    Raises:
        UsageError: the path is a folder, or a file that is only read.
    """
    file_name = FORMATS[form].file_name
    usual, path = path is None, path or run.folder / file_name
    refuse_only_read(path, run, data=data, makes=FILE_NAMES)
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), hint=f"name a file, as in {path / file_name}")
    written = [run.folder / name for name in (file_name, *FORMATS[form].beside)]
    with in_run_folder(run, written) if usual else nullcontext():
        FORMATS[form].write(page, path)
    return path


def shows_examples(forms: Collection[str], image_root: str = "") -> bool:
    """Return whether any of these formats shows pictures or features, for which the data is opened."""
    return "html" in forms or ("label-studio" in forms and not image_root)


def _refuse_unused(run: FinishedRun, data: str, *, pictures: bool) -> None:
    if data and not pictures:
        hint = "leave the data out, or ask for a report with pictures"
        raise UsageError("data is named, but the report shows no pictures", where="data", hint=hint)
    if data and run.is_of_score:
        hint = "leave it out: images are opened where the path column of the probabilities has them"
        raise UsageError("a report of probabilities opens no data", where="data", hint=hint)


def _records(scores: pd.DataFrame, rows: Sequence[int]) -> list[Record]:
    return cast(list[Record], scores.iloc[list(rows)].to_dict("records"))


def _sample(run: FinishedRun, scores: pd.DataFrame) -> list[Record]:
    """Return the labels by which to measure how many are wrong."""
    ids = read_sample(run)
    rows = pd.Index(scores["example_id"], dtype=object).get_indexer(pd.Index(ids, dtype=object))
    if (rows < 0).any():
        where = str(run.folder / MEASURE_FILE)
        raise RunFolderError("is not about the labels of scores.csv", where=where, hint=FRESH)
    return _records(scores, rows.tolist())


def _kind(run: FinishedRun, shown: Sequence[Record]) -> ExampleKind:
    if run.is_of_score:
        return IMAGES if shown and all(is_called_image(one["path"]) for one in shown) else PROBABILITIES
    return FEATURES if all(one.get("image_shape") is None for one in run.opinions) else IMAGES


def _look(run: FinishedRun, shown: Sequence[Record], examples: Sequence[Record], data: str, notify: Listener) -> _Seen:
    """Return what can be seen: features of the examples to decide on, ``shown``, or pictures of all ``examples``."""
    kind = _kind(run, shown)
    if kind == IMAGES and not data and all(one["path"] for one in examples):
        files = ImageFiles(Path(), as_strings([str(run.locate(one["path"]).absolute()) for one in examples]))
        return _see_pictures(run, files, {one["example_id"]: row for row, one in enumerate(examples)}, notify)
    try:
        dataset = read_again(run, data=data, notify=notify)
    except (LabelscanError, OSError) as error:
        if data:  # a user who names it wants to know
            raise
        what = "pictures" if kind == IMAGES else "features"
        note = f"without {what}, since the data could not be read again: {' '.join(str(error).split())}"
        return _Seen(kind=kind, notes=(note,), no_picture="the data could not be read again")
    wanted = {one["example_id"] for one in examples}  # a dictionary of all rows would be large
    rows = {name: row for row, name in enumerate(dataset.example_ids.tolist()) if name in wanted}
    if isinstance(dataset.inputs, FeatureTable):
        return _Seen(kind=FEATURES, features=_features(dataset, dataset.inputs, shown, rows))
    if not are_images(dataset.inputs):
        return _Seen(kind=FEATURES)
    return _see_pictures(run, dataset.inputs, rows, notify)


def _see_pictures(run: FinishedRun, images: ImageSource, rows: Mapping[str, int], notify: Listener) -> _Seen:
    # A run of probabilities has no settings of images.
    max_pixels = part_of(run.recorded(RUN_JSON_SETTINGS), "dataset").get("max_pixels", DatasetConfig().max_pixels)
    made = make_pictures(images, list(rows.values()), max_pixels=int(str(max_pixels)), notify=notify)
    by_id = {example_id: made[row] for example_id, row in rows.items()}
    reasons = [picture for picture in by_id.values() if isinstance(picture, str)]
    notes: tuple[str, ...] = ()
    if reasons and len(reasons) == len(by_id):
        none = f"none of the images shown could be opened ({reasons[0]}, as {images.path(next(iter(rows.values())))})"
        if run.is_of_score:
            return _Seen(kind=PROBABILITIES, notes=(none,))
        notes = (f"{none}: if the data is elsewhere now, name it by --data",)
    elif reasons:
        notes = (f"{len(reasons):,} of {len(by_id):,} images shown could not be opened",)
    return _Seen(kind=IMAGES, pictures=by_id, notes=notes)


def _features(
    dataset: Dataset, table: FeatureTable, shown: Sequence[Record], rows: Mapping[str, int]
) -> Mapping[str, tuple[FeatureNote, ...]]:
    unusual = UnusualFeatures(table, dataset.given_labels)
    label = {name: number for number, name in enumerate(dataset.class_names)}
    return {
        one["example_id"]: unusual.notes(
            rows[one["example_id"]], given=label[one["given_label"]], suggested=label[one["suggested_label"]]
        )
        for one in shown
    }


def _suspect(one: Record, seen: _Seen) -> Suspect:
    picture = seen.pictures.get(one["example_id"], seen.no_picture)
    return Suspect(
        rank=int(one["rank"]),
        example_id=one["example_id"],
        path=one["path"],
        given_label=one["given_label"],
        suggested_label=one["suggested_label"],
        error_probability=_number(one["error_probability"]),
        self_confidence=_number(one["self_confidence"]),
        suggested_confidence=_number(one["suggested_confidence"]),
        flagged_by=tuple(filter(None, one["flagged_by"].split("|"))),
        true_label=one.get(TRUE_LABEL),
        picture=None if isinstance(picture, str) else picture,
        no_picture=picture if isinstance(picture, str) else "",
        features=seen.features.get(one["example_id"], ()),
    )


def _typical(typical: Mapping[str, Sequence[Record]], seen: _Seen) -> dict[str, tuple[TypicalExample, ...]]:
    """Return the typical examples that have a picture, by class; without one there is nothing to compare with."""
    found = {
        name: tuple(
            TypicalExample(example_id=one["example_id"], picture=picture)
            for one in examples
            if isinstance(picture := seen.pictures.get(one["example_id"]), Picture)
        )
        for name, examples in typical.items()
    }
    return {name: examples for name, examples in found.items() if examples}


def _class_names(summary: Mapping[str, object]) -> tuple[str, ...]:
    health = summary.get("class_health")
    return tuple(str(one["class_name"]) for one in health) if isinstance(health, Sequence) else ()


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
