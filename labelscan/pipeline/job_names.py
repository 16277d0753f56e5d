"""The names of jobs as people write them: ``fold:3``, ``fold:0-0..0-4``, ``features:0-7``, or a kind alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from labelscan.errors import UsageError, did_you_mean

KINDS = ("fold", "features", "images", "aum")
OF_INPUTS = ("features", "images")
_WRITTEN = re.compile(r"(?P<kind>[a-z]+)(:(?P<first>\d+(-\d+)?)(\.\.(?P<last>\d+(-\d+)?))?)?")
_NAME = re.compile(
    r"(?P<kind>fold|aum)-(?P<place>\d+(-\d+)?)(-opinion-\d+)?|(?P<of>[a-z]+)(-\d+)?(-part-(?P<part>\d+)(-of-\d+)?)?"
)
HOW = (
    "write fold:FOLD or fold:REPEAT-FOLD, features:PART, images:PART or aum:RUN; a range as fold:0..4; or a kind alone"
)


@dataclass(frozen=True, slots=True)
class JobNames:
    """Jobs of one kind, or a single one by its folder."""

    kind: str
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    """Both empty are all of the kind."""
    folder: str = ""

    @classmethod
    def of(cls, text: str) -> "JobNames":
        """Return what ``text`` names.

        Raises:
            UsageError: it names nothing that could be a job.
        """
        if text not in KINDS and (folder := _kind_and_place(text)) is not None:
            return cls(folder[0], folder=text)
        written = _WRITTEN.fullmatch(text.strip())
        if written is None:
            raise UsageError("unknown-job", f"{text!r} is not the name of a job", where="--only", hint=HOW)
        kind = written["kind"]
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS, otherwise=HOW)
            raise UsageError("unknown-job", f"no job is called {kind!r}", where="--only", hint=hint)
        first = _numbers(written["first"] or "")
        last = _numbers(written["last"] or "") or first
        if kind == "fold" and len(first) == len(last) == 1:  # of the first repeat
            first, last = (0, *first), (0, *last)
        elif kind in OF_INPUTS and len(first) == 2 and not written["last"]:  # features:0-7
            first, last = first[:1], first[1:]
        if first and (len(first) != (2 if kind == "fold" else 1) or len(last) != len(first) or last < first):
            raise UsageError("unknown-job", f"{text!r} is not the name of a job", where="--only", hint=HOW)
        return cls(kind, first, last)

    @property
    def is_of_inputs(self) -> bool:
        """Return whether they are parts of the inputs and not trainings."""
        return self.kind in OF_INPUTS

    def has(self, name: str) -> bool:
        """Return whether the job with the folder ``name`` is among them."""
        if self.folder:
            return name == self.folder
        found = _kind_and_place(name)
        return found is not None and found[0] == self.kind and (not self.first or self.first <= found[1] <= self.last)


def refuse_unknown(names: Iterable[JobNames], texts: Iterable[str], jobs: Iterable[str]) -> None:
    """Raise UsageError where one of the names has no job.

    Args:
        names: what was asked for.
        texts: the same as it was written.
        jobs: the names of all jobs of the run.
    """
    known = list(jobs)
    for one, text in zip(names, texts, strict=True):
        if not any(map(one.has, known)):
            hint = f"its jobs go from {known[0]} to {known[-1]}"
            raise UsageError("unknown-job", f"the run has no job {text}", where="--only", hint=hint)


def _kind_and_place(name: str) -> tuple[str, tuple[int, ...]] | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    if found["kind"]:
        return found["kind"], _numbers(found["place"])
    return (found["of"], _numbers(found["part"])) if found["of"] in OF_INPUTS else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("-")) if text else ()
