"""What a report shows of the examples themselves: pictures, texts, or the values of a row.

Images are opened where the run found their files; anything else is read again, unless the caller still has it in
memory. What is gone is noted and does not stop the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Texts, originals
from labelscan.data.readers.folder_listing import is_called_image
from labelscan.errors import LabelscanError
from labelscan.events import Listener
from labelscan.files.urls import is_url
from labelscan.images.remote import images_at
from labelscan.images.sources import ImageSource
from labelscan.reporting.page import NO_DATA, ExampleKind, FeatureNote, Picture, Record, ShownText
from labelscan.reporting.pictures import make_pictures
from labelscan.reporting.unusual_values import UnusualValues
from labelscan.results.run import FinishedRun
from labelscan.results.source import read_again
from labelscan.wording.words import shorten

MOST_COLUMNS = 40
"""Columns of a row that a page shows."""
MOST_BESIDE = 240
"""Characters of a typical text, which only shows what a class is about."""


@dataclass(frozen=True, kw_only=True)
class ShownExamples:
    """What can be shown of the examples, by example id."""

    kind: ExampleKind
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why some have no picture."""
    no_picture: str = ""
    """Why all others have none."""
    texts: Mapping[str, ShownText] = field(default_factory=dict)
    beginnings: Mapping[str, str] = field(default_factory=dict)
    """The first words of texts beside those to decide on."""
    features: Mapping[str, tuple[FeatureNote, ...]] = field(default_factory=dict)
    rows: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """All columns of the rows of a table."""
    notes: tuple[str, ...] = ()


def kind_of_examples(run: FinishedRun, shown: Sequence[Record]) -> ExampleKind:
    """Return what the examples of a run are, of which some are to be ``shown``."""
    if run.is_of_score:
        return "images" if shown and all(is_called_image(one["path"]) for one in shown) else "probabilities"
    return run.record.data.kind


def show_examples(
    run: FinishedRun,
    to_decide: Sequence[Record],
    beside: Sequence[Record],
    *,
    data: str = "",
    notify: Listener,
) -> ShownExamples:
    """Return what can be seen of the examples to decide on, and of others that are shown beside them.

    Raises:
        DatasetError: ``data`` is not the data of the run. Data that is missing and not named is only noted.
    """
    kind, examples = kind_of_examples(run, to_decide), [*to_decide, *beside]
    if kind == "images" and not data and all(one["path"] for one in examples):
        paths = [one["path"] for one in examples]
        files = images_at(Path(), [one if is_url(one) else str(run.locate(one).absolute()) for one in paths])
        return _see_pictures(run, files, {one["example_id"]: row for row, one in enumerate(examples)}, notify)
    try:
        dataset = read_again(run, data=data, notify=notify)
    except (LabelscanError, OSError) as error:
        if data:  # a user who names it wants to know
            raise
        what = "pictures" if kind == "images" else kind
        note = f"without {what}, since {NO_DATA}: {' '.join(str(error).split())}"
        return ShownExamples(kind=kind, notes=(note,), no_picture=NO_DATA)
    wanted = {one["example_id"] for one in examples}  # a dictionary of all rows would be large
    rows = {name: row for row, name in enumerate(dataset.example_ids.tolist()) if name in wanted}
    inputs = originals(dataset.inputs)
    if isinstance(inputs, Texts):
        from labelscan.reporting.shown_texts import show_texts  # for which scikit-learn is loaded

        texts = show_texts(dataset, inputs, to_decide, rows, run.issues.scores)
        ids = [one["example_id"] for one in beside]
        beginnings = {name: shorten(inputs.texts[rows[name]], MOST_BESIDE) for name in ids}
        return ShownExamples(kind="texts", texts=texts, beginnings=beginnings)
    if isinstance(inputs, FeatureTable | ColumnTable):
        return _see_rows(dataset, inputs, to_decide, rows)
    return _see_pictures(run, inputs, rows, notify)


def _see_rows(
    dataset: Dataset, table: FeatureTable | ColumnTable, to_decide: Sequence[Record], rows: Mapping[str, int]
) -> ShownExamples:
    unusual = UnusualValues(table, dataset.given_labels)
    number = {name: place for place, name in enumerate(dataset.class_names)}
    features, whole = {}, {}
    for one in to_decide:
        name = one["example_id"]
        given, suggested = number[one["given_label"]], number[one["suggested_label"]]
        features[name] = unusual.notes(rows[name], given=given, suggested=suggested)
        whole[name] = unusual.cells(rows[name])
    return ShownExamples(kind="features", features=features, rows=whole)


def _see_pictures(run: FinishedRun, images: ImageSource, rows: Mapping[str, int], notify: Listener) -> ShownExamples:
    # A run of probabilities has no settings of images.
    max_pixels = run.record.section("dataset").get("max_pixels", DatasetConfig().max_pixels)
    made = make_pictures(images, list(rows.values()), max_pixels=int(str(max_pixels)), notify=notify)
    reasons = {example_id: one for example_id, row in rows.items() if isinstance(one := made[row], str)}
    pictures = {example_id: one for example_id, row in rows.items() if isinstance(one := made[row], Picture)}
    notes: tuple[str, ...] = ()
    if reasons and not pictures:
        first, reason = next(iter(reasons.items()))
        none = f"none of the images shown could be opened ({reason}, as {images.path(rows[first])})"
        if run.is_of_score:
            return ShownExamples(kind="probabilities", notes=(none,))
        notes = (f"{none}: if the data is elsewhere now, name it by --data",)
    elif reasons:
        notes = (f"{len(reasons):,} of {len(rows):,} images shown could not be opened",)
    return ShownExamples(kind="images", pictures=pictures, reasons=reasons, notes=notes)
