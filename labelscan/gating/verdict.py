"""The verdict of a gate: whether suspects and measured errors stay within limits, and which suspects are new.

It holds facts; nearly all sentences about them are in ``words``. Scripts read the JSON form: ``format_version`` goes up
when a key changes its meaning or goes away.

History of the format:
    1: the first.
"""

import dataclasses
from dataclasses import dataclass

from labelscan.gating.baseline import Reviewed
from labelscan.results.wrong_labels import WrongLabels
from labelscan.wording.words import rounded

FORMAT_VERSION = 1
RATES = ("max-rate", "max-rate-measured", "max-class-rate")
"""The limits that are shares in [0, 1]; the others are counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSuspect:
    """One suspect that counts."""

    example_id: str
    path: str
    """Relative to the root of the repository in which the run was started, or to the folder in which it was started,
    if within it; empty if the example has no file."""
    line: int
    """Its line in issues.csv, as an editor numbers it; 1 where decisions were applied in memory."""
    given_label: str
    suggested_label: str
    error_probability: float
    is_new: bool
    """Whether it is not in the baseline; true if there is none."""
    is_decided: bool = False
    """Whether a person has decided that the label is wrong, and the data still has it."""

    @property
    def place(self) -> str:
        """Return its file, or its id if it has none."""
        return self.path or self.example_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One limit, and what was found."""

    name: str
    """The name of the option, as in ``max-rate``; in ``max-rate-measured`` that limit is on what was measured."""
    limit: float
    """The most that is allowed; of ``require-measured`` the fewest decisions."""
    found: float
    passed: bool
    sentence: str
    """What was found and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """Whether a run passes, and why."""

    run: str
    """The run folder."""
    data: str
    """The name of the data."""
    source: str
    """The file or folder of the data, for suspects without a file of their own; empty if there was none."""
    issues: str
    """The issues.csv of the run, as a path like those of suspects."""
    checks: tuple[Check, ...]
    n_scored: int
    n_flagged: int
    """All flags of the run, including those that do not count."""
    min_error_probability: float
    suspects: tuple[GateSuspect, ...]
    """Those that count: new ones first, then most likely wrong first."""
    baseline: str
    """Its file; empty if there is none."""
    accepts_into: str
    """The file into which suspects can be accepted; empty where there is none."""
    gone: tuple[Reviewed, ...]
    """Rows of the baseline about examples that are not in the run."""
    relabelled: tuple[Reviewed, ...]
    """Rows about examples that have another label now, as after a correction."""
    wrong_labels: WrongLabels
    """How many of the scored labels are wrong."""
    is_as_written: bool
    """Whether issues.csv holds these suspects; not where decisions were applied in memory."""
    decisions: str
    """The file of the decisions that were applied in memory; empty if there are none."""
    warnings: tuple[str, ...]
    """The warnings of the run."""

    @property
    def passed(self) -> bool:
        """Return whether all limits are met."""
        return all(check.passed for check in self.checks)

    @property
    def n_new(self) -> int:
        """Return how many suspects are not in the baseline."""
        return sum(suspect.is_new for suspect in self.suspects)

    @property
    def to_look_at(self) -> tuple[GateSuspect, ...]:
        """Return the new suspects if there are any, else all: those that a person has looked at would hide them."""
        return tuple(one for one in self.suspects if one.is_new and not one.is_decided) or self.suspects

    def to_json(self) -> dict[str, object]:
        """Return the verdict with every suspect that counts; numbers have 6 significant digits."""
        content: dict[str, object] = {
            "format_version": FORMAT_VERSION,
            "passed": self.passed,
            "run": self.run,
            "data": self.data,
            "n_scored": self.n_scored,
            "n_flagged": self.n_flagged,
            "min_error_probability": self.min_error_probability,
            "n_suspects": len(self.suspects),
            "n_new": self.n_new if self.baseline else None,
            "baseline": self.baseline or None,
            "wrong_labels": dataclasses.asdict(self.wrong_labels),
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "suspects": [dataclasses.asdict(suspect) for suspect in self.suspects],
            "stale": [{"example_id": one, "given_label": label} for one, label in sorted(self.gone + self.relabelled)],
            "warnings": self.warnings,
        }
        return {key: rounded(value) for key, value in content.items()}
