"""What a report shows, before anything is said of how: the numbers of a run, and its suspects with pictures.

``make_report_page`` puts it together; each form of report (HTML, Markdown) only lays it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from labelscan.errors import RunFolderError

ExampleKind: TypeAlias = Literal["images", "features", "probabilities"]
IMAGES: ExampleKind = "images"
FEATURES: ExampleKind = "features"
PROBABILITIES: ExampleKind = "probabilities"
"""Nothing is known of an example but what models say of it."""

LEFT_OUT = "left out"
"""Why there is no picture where none was wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An image small enough to lie inside a page."""

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
    value: float
    usual: float
    """The median of the given class."""
    usual_of_suggested: float
    deviations: float
    """How many robust standard deviations the value lies from ``usual``; signed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """One flagged label, with all that a reviewer needs to decide about it."""

    rank: int
    example_id: str
    path: str
    """The file as the run knew it; empty where there is none."""
    given_label: str
    suggested_label: str
    error_probability: float | None
    self_confidence: float | None
    suggested_confidence: float | None
    flagged_by: tuple[str, ...]
    true_label: str | None
    """None where true labels are not known."""
    picture: Picture | None
    no_picture: str
    """Why there is none; empty where there is one, or where examples are not images."""
    features: tuple[FeatureNote, ...]
    """In tables, the values that stand out most, the strangest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TypicalExample:
    """An example whose label looks right, to compare suspects with."""

    example_id: str
    picture: Picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A number with the range that it probably lies in, and how that is known."""

    estimate: float
    low: float
    high: float
    basis: str
    """One sentence."""
    measured: bool
    """Whether the self-check has measured it; else it is what the models themselves believe."""


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """All that a report of a run shows."""

    run: str
    """The run folder."""
    data: str
    """What the data is called."""
    data_fingerprint: str
    """Under which decisions are kept in the browser: those of other data never show up here."""
    summary: Mapping[str, object]
    """The content of summary.json: counts, class health, confused pairs, noise matrix, warnings, self-check."""
    wrong_labels: Interval
    """How many of the scored labels are wrong."""
    flagged_precision: Interval | None
    """What share of the flags is right, in [0, 1]; None where nothing is flagged."""
    facts: tuple[tuple[str, str], ...]
    """What was run, as (label, text): model, loss, folds, seed, versions, duration, command."""
    class_names: tuple[str, ...]
    """All K, in their order: what a label can be changed to."""
    suspects: tuple[Suspect, ...]
    """Most doubtful first."""
    n_flagged: int
    """All of them; those beyond ``suspects`` are in issues.csv."""
    typical: Mapping[str, tuple[TypicalExample, ...]] = field(default_factory=dict)
    """By class name, for the classes that suspects have or are taken for."""
    kind: ExampleKind = IMAGES
    """What examples are."""
    notes: tuple[str, ...] = ()
    """What the report itself could not do, as pictures of data that is no longer there."""
    directory: str = ""
    """The folder that relative paths of suspects start from."""
    image_root: str = ""
    """The document root of a Label Studio that serves the images itself; empty where pictures go into its tasks."""
    save_to: str = ""
    """Where a served page reads and saves decisions, as a path with its token; empty on a page opened from disk."""

    def listed(self, name: str) -> Sequence[Any]:
        """Return a list of the summary, empty where there is none; anything else there is a RunFolderError."""
        content = self.summary.get(name, ())
        if not isinstance(content, list | tuple):
            where = str(Path(self.run, "summary.json"))
            raise RunFolderError(f"{name} is not a list", where=where, hint="the file is damaged: run with --fresh")
        return content
