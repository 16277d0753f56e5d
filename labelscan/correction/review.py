"""A review: the decisions of a person, with the file they come from, and the labels of a run that they settle."""

import dataclasses
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from labelscan.config import fingerprint
from labelscan.correction.decisions import Decision, read_decisions
from labelscan.correction.label_studio import read_annotations
from labelscan.correction.remembered import Remembered, remembered_beside
from labelscan.errors import DecisionsError
from labelscan.files.reading import with_home
from labelscan.runs.record import CountedDecisions

GivenDecisions: TypeAlias = str | Path | Sequence[Decision]
"""A file of decisions, or decisions in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Decisions, one an example, and where they come from."""

    decisions: tuple[Decision, ...]
    file: str = ""
    """Empty for decisions in memory."""
    notes: tuple[str, ...] = ()
    """What a user should know about how they were read."""
    remembered: Remembered | None = None
    """What was known of the labels before, where they are a corrected copy."""

    @property
    def where(self) -> str:
        """Return what messages call it."""
        return self.file or "decisions"

    def counted(self) -> CountedDecisions:
        """Return what run.json says of the decisions, without which labels are wrong by them."""
        made = [dataclasses.astuple(one) for one in self.decisions]
        file = str(Path(self.file).absolute()) if self.file else ""
        all_of_them = (made, self.remembered) if self.remembered else made
        return CountedDecisions(file=file, number=len(made), fingerprint=fingerprint(all_of_them))


def with_remembered(review: Review | None, data: str | Path, known: Remembered | None = None) -> Review | None:
    """Return decisions with what is known of the labels of ``data``: what is ``known``, else what lies beside it.

    Raises:
        DecisionsError: the file beside it is damaged.
    """
    found = known or remembered_beside(data)
    return dataclasses.replace(review or Review(decisions=()), remembered=found) if found else review


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The labels that a review settles."""

    is_wrong: Mapping[str, bool]
    """By example id."""
    unsure: tuple[str, ...]
    """Ids of scored examples of which nobody can tell."""
    are_corrected: bool
    """Whether labels that were decided to be wrong have been changed since, or are gone. Which labels are still as they
    were decided then depends on the decisions, and by those a data set looks better than it is."""
    notes: tuple[str, ...]
    """Which decisions say nothing about these labels, and whether the others are about a corrected copy."""


def read_review(given: GivenDecisions) -> Review:
    """Return the review in decisions.csv or in a JSON export of Label Studio, or that of decisions in memory.

    Raises:
        DecisionsError: the file is missing, or damaged; up to 20 problems at once.
    """
    if not isinstance(given, str | Path):
        made = tuple(given)
        if not all(isinstance(one, Decision) for one in made):
            problem = f"decisions are a file, or labelscan.Decision objects, not {type(given).__name__}"
            hint = "save a frame by to_csv, and name the file"
            raise DecisionsError("wrong-type", problem, where="decisions", hint=hint)
        return Review(decisions=tuple({one.example_id: one for one in made}.values()))
    path = with_home(given)
    if path.suffix.lower() != ".json":
        return Review(decisions=tuple(read_decisions(path)), file=str(path))
    decisions, notes = read_annotations(path)
    return Review(decisions=decisions, file=str(path), notes=notes)


def settle(review: Review, given_labels: Mapping[str, str], scored: Container[str]) -> Settled:
    """Return which of the ``scored`` labels are known to be right or wrong; unsure settles nothing.

    A label that has been changed to what was decided is right. Decisions about examples that are not among
    ``given_labels``, by example id, or not scored, or about another label than the one there now, are left out with a
    note.

    Raises:
        DecisionsError: none is about an example of this data, nor about one that may have been taken out.
    """
    are_gone = [one.example_id not in given_labels for one in review.decisions]
    if are_gone and all(are_gone) and not any(one.calls_wrong for one in review.decisions):  # else all may be corrected
        problem = f"no decision is about an example of this data: none is called {review.decisions[0].example_id!r}"
        hint = "ids are those of issues.csv, of which a spreadsheet may have dropped zeros at the start"
        raise DecisionsError("not-decisions", problem, where=review.where, hint=hint)
    is_wrong: dict[str, bool] = {}
    stale: list[str] = []
    corrected: list[str] = []
    confirmed: list[str] = []
    unsure: list[str] = []
    for one in review.decisions:
        label = given_labels.get(one.example_id)
        is_as_decided = one.verdict == "relabel" and one.new_label == label
        is_changed = label is None or one.given_label not in (None, label)
        if one.calls_wrong and is_as_decided and one.given_label is None:
            confirmed.append(one.example_id)
        elif one.calls_wrong and (is_changed or is_as_decided):
            corrected.append(one.example_id)
        if (is_changed and not is_as_decided) or one.example_id not in scored:
            stale.append(one.example_id)
        elif one.verdict == "unsure":
            unsure.append(one.example_id)
        else:
            is_wrong[one.example_id] = one.calls_wrong and not is_as_decided
    if not any(is_wrong.values()):  # what the labels were is not known, and all that were wrong have been corrected
        corrected += confirmed
    notes = (*review.notes, *_notes(review, stale, corrected))
    return Settled(is_wrong=is_wrong, unsure=tuple(unsure), are_corrected=bool(corrected), notes=notes)


def _notes(review: Review, stale: Sequence[str], corrected: Sequence[str]) -> Iterator[str]:
    n_decisions = f"{len(review.decisions):,} decisions"
    if stale:
        verb = "was" if len(stale) == 1 else "were"
        yield (
            f"{review.where}: {len(stale):,} of {n_decisions} {verb} left out, about labels that have changed since or "
            f"examples that are gone or have no score; the first is {stale[0]!r}"
        )
    if corrected:
        yield (
            f"{review.where}: labels have been corrected since they were decided, {len(corrected):,} by {n_decisions}, "
            f"the first is {corrected[0]!r}; decisions count for their own labels, but do not measure how many are "
            f"wrong: for that, give only decisions made on this data"
        )
