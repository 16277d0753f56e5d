"""The content of a report, whatever its format: the numbers of a run, and its suspects with what they are.

``make_report_page`` collects it; a format (HTML, Markdown) only lays it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

import pandas as pd

from labelscan.results.summary import Summary

Record: TypeAlias = Mapping[str, Any]
"""A row of the table of scores, by column."""

ExampleKind: TypeAlias = Literal["images", "texts", "features", "probabilities"]
"""``features`` are the rows of a table. Of ``probabilities``, nothing else is known about an example."""

SpeaksFor: TypeAlias = Literal["", "given", "suggested"]
Piece: TypeAlias = tuple[str, SpeaksFor]
"""A part of a text, and the class that it speaks for, if any."""

LEFT_OUT = "left out"
"""Why a picture or text is missing if none was wanted."""
NO_DATA = "the data could not be read again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An image small enough to be part of a page."""

    uri: str
    """``data:image/...;base64,...``."""
    width: int
    height: int
    """In pixels of the encoded image."""
    tiny: bool
    """Whether it is the whole image and so small that its pixels should be shown as squares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureNote:
    """A value of a table that stands out among those of its class."""

    name: str
    value: float | str
    """A number, else as people read it: a date, a category, missing."""
    usual: float | str
    """The median of the given class; of a category, how much of the class has it."""
    usual_of_suggested: float | str
    deviations: float
    """The distance from ``usual`` in robust standard deviations, signed; what is as rare in a normal distribution, for
    a category."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownText:
    """The text of an example, or its beginning."""

    pieces: tuple[Piece, ...]
    """They join to the text."""
    n_left_out: int = 0
    """How many characters at its end are too many for a page."""

    def __str__(self) -> str:
        return "".join(piece for piece, _ in self.pieces)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """One label that was flagged or drawn to be measured, with everything a reviewer needs to decide about it."""

    rank: int
    example_id: str
    path: str
    """The file as the run knew it; empty if there is none."""
    given_label: str
    suggested_label: str
    error_probability: float | None
    self_confidence: float | None
    suggested_confidence: float | None
    flagged_by: tuple[str, ...]
    """Detectors; none if it was only drawn."""
    true_label: str | None
    """None if true labels are not known."""
    picture: Picture | None
    no_picture: str
    """Why there is no picture or text; empty if there is one, or if examples are neither."""
    features: tuple[FeatureNote, ...]
    """In tables, the values that stand out most, the strangest first."""
    row: tuple[tuple[str, str], ...] = ()
    """In tables, the columns and what they hold, as people read it."""
    n_more_columns: int = 0
    """Those that are too many for a page."""
    text: ShownText | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TypicalExample:
    """An example whose label looks right, to compare suspects with."""

    example_id: str
    picture: Picture | None = None
    text: str = ""
    """Its beginning, on one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """What a page needs to work out, from decisions made on it, how many labels are wrong."""

    to_decide: tuple[Suspect, ...]
    """The labels of the sample, in the order in which they are decided."""
    centres: tuple[float, ...]
    """The mean log-odds of each bin, a group of labels with about the same log-odds; see ``Bins``."""
    stretches: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
    """All scored labels from the first rank to the last, in parts: the last rank of each, and how many labels of which
    bins are in it, as pairs of a bin and a number."""
    error_odds: Mapping[str, tuple[float, int]]
    """By example id, the log-odds that a label is wrong, and its bin, of every label that the page shows."""
    cells: tuple[tuple[int, bool, int], ...]
    """How many labels of each stratum are listed, and how many are not: stratum, whether listed, number."""
    strata: Mapping[str, int]
    """By example id, the stratum of every label that the page shows."""
    number_by_agreement: float | None = None
    """How many labels are wrong by the agreement of models; None where that does not tell."""
    is_rescored: bool = False
    """Whether decisions made the list, by which drawn labels say nothing of others that are listed."""


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """Everything that a report of a run shows."""

    run: str
    """The run folder."""
    data_fingerprint: str
    """The browser keeps decisions under it, so those about other data never show up here."""
    summary: Summary
    facts: tuple[tuple[str, str], ...]
    """What was run, as (label, text)."""
    class_names: tuple[str, ...]
    """All K, in their order: what a label can be changed to."""
    suspects: tuple[Suspect, ...]
    """Most likely wrong first."""
    n_flagged: int
    """All flags; those without a place among ``suspects`` are in issues.csv."""
    measurement: Measurement | None = None
    """None where an older version made the run."""
    typical: Mapping[str, tuple[TypicalExample, ...]] = field(default_factory=dict)
    """By class name, for the given and suggested classes of the labels to decide."""
    beginnings: Mapping[str, str] = field(default_factory=dict)
    """By example id, of typical texts, and of the first of those that are the same but have several labels."""
    kind: ExampleKind = "images"
    notes: tuple[str, ...] = ()
    """What the report could not do, such as show pictures of data that is gone."""
    directory: str = ""
    """The folder that relative paths of suspects start from."""
    image_root: str = ""
    """The document root of a Label Studio that serves the images itself; empty if pictures go into its tasks."""
    save_to: str = ""
    """Where a served page reads and saves decisions, as a path with its token; empty on a page opened from disk."""

    @property
    def has_marks(self) -> bool:
        """Return whether any text has words that are marked."""
        to_decide = self.measurement.to_decide if self.measurement else ()
        texts = [one.text for one in (*self.suspects, *to_decide) if one.text]
        return any(mark for text in texts for _, mark in text.pieces)


def records(scores: pd.DataFrame, rows: Sequence[int]) -> list[Record]:
    """Return some rows of the table of scores."""
    return cast(list[Record], scores.iloc[list(rows)].to_dict("records"))
