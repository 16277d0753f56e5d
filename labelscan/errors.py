"""The errors: everything that labelscan refuses, and how it says so.

Each carries what a person needs (the problem with its value, its place, what to do about it) and the exit code of the
command line.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

Found = TypeVar("Found")

MAX_PROBLEMS = 20
"""Problems shown at once: enough to fix a file in one go, few enough to read."""
SIMILAR = 0.6
"""Names that share this part of their letters, in the same order, are taken for slips of each other."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a short name for it that stays the same, what happened, where, and what to do."""

    code: str
    problem: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"; hint: {self.hint}" if self.hint else ""
        return f"{place}{self.problem}{remedy}"


class LabelscanError(Exception):
    """Anything labelscan raises on purpose.

    Args:
        code: a short name for what is wrong, such as ``no-column``, that stays the same when the words change.
        problem: what happened, with the value that caused it.
        where: file and row as an editor numbers it, example id, or ``section.setting``.
        hint: what the user can do about it.
    """

    exit_code = 3

    def __init__(self, code: str, problem: str, *, where: str = "", hint: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(code, problem, where, hint),)
        super().__init__(str(self.problems[0]))

    @property
    def code(self) -> str:
        """The code of the first problem."""
        return self.problems[0].code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as Python does, but for what ``__init__`` is called with: it is not ``args``."""
        return _unpickled, (type(self), self.args), self.__dict__


class UsageError(LabelscanError):
    """A command that cannot be run as given."""

    exit_code = 2

    @classmethod
    def of(cls, problems: Sequence[Problem], *, total: int | None = None) -> Self:
        """Return one error that names all ``problems``; ``total`` counts them where not all were kept."""
        first = problems[0]
        error = cls(first.code, first.problem, where=first.where, hint=first.hint)
        more = (len(problems) if total is None else total) - MAX_PROBLEMS
        named = list(problems[:MAX_PROBLEMS])
        if more > 0:
            named.append(Problem("more-problems", f"and {more:,} more problems like these"))
        error.problems = tuple(named)
        error.args = ("\n".join(str(problem) for problem in named),)
        return error

    @classmethod
    def refuse(cls, found: Sequence[Found], problem_of: Callable[[Found], Problem]) -> None:
        """Raise one error that names all that was ``found`` wrong, if anything; only what is shown gets its words."""
        if found:
            raise cls.of([problem_of(one) for one in found[:MAX_PROBLEMS]], total=len(found))


class ConfigError(UsageError):
    """A setting that is unknown or has a value it cannot have."""


class DatasetError(UsageError):
    """Data that cannot be read as a labelled data set; holds up to ``MAX_PROBLEMS`` problems."""


class ProbabilitiesError(UsageError):
    """Predicted probabilities that no detector may judge: NaN, negative, not summing to 1, wrong shape."""


class DecisionsError(UsageError):
    """Review decisions that cannot be read, or that belong to other data."""


class GateError(UsageError):
    """A verdict that cannot be given: no limit, an unreadable baseline, or a run that says nothing."""


class RunFolderError(UsageError):
    """A run folder that belongs to other settings or data, or that another process is writing."""


class RunError(LabelscanError):
    """A run that started well and could not be finished."""


class DiskError(RunError):
    """A file that the disk does not take: it is full, read-only, or the file too large. ``errno`` is the system's."""

    errno = 0


class StorageError(RunError):
    """A bucket or server that does not give what it was asked for, after several tries."""


class Interrupted(LabelscanError):  # noqa: N818  # nothing went wrong
    """A run stopped before its end, by the user or by ``--max-time``; it can be resumed."""

    exit_code = 130


class TimeOver(Interrupted):
    """A run stopped before its end since the time that it was given is over."""


def _unpickled(kind: type[LabelscanError], args: tuple[object, ...]) -> LabelscanError:
    error = kind.__new__(kind)
    error.args = args
    return error


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return a hint that names the one of ``known`` that was probably meant; ``otherwise`` where none resembles it."""
    nearest = nearest_name(name, known)
    return f"did you mean {nearest}?" if nearest else otherwise


def nearest_name(name: str, known: Iterable[str], *, least: float = SIMILAR) -> str:
    """Return the one of ``known`` that ``name`` was probably meant to be; empty where none resembles it.

    Case makes no difference.

    Args:
        name: as it was written.
        known: the names that there are.
        least: the similarity from which on a name counts, in [0, 1]; with 0 one is always found.
    """
    as_written = {one.casefold(): one for one in known}
    nearest = difflib.get_close_matches(name.casefold(), as_written, n=1, cutoff=least)
    return as_written[nearest[0]] if nearest else ""
