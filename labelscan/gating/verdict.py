"""The verdict of a gate: whether the suspects of a run stay within limits, and which of them are new.

Facts alone: what is said of them is in ``formats``. The JSON form is read by scripts: ``format_version`` goes up when a
key changes its meaning or goes away.

History of the format:
    1: the first.
"""

import dataclasses
from dataclasses import dataclass

from labelscan.gating.baseline import Reviewed
from labelscan.wording import rounded

FORMAT_VERSION = 1
NEW_BASELINE = "labels-baseline.csv"
"""What a baseline is called where there is none yet."""
RATES = ("max-rate", "max-class-rate")
"""The limits that are shares in [0, 1]; the others are counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSuspect:
    """One suspect that counts."""

    example_id: str
    path: str
    """Relative to the root of the repository that the run was started in, or to where it was started, if it lies
    within; empty where there is no file."""
    line: int
    """Its line in issues.csv, as an editor numbers it."""
    given_label: str
    suggested_label: str
    error_probability: float
    is_new: bool
    """Whether it is missing in the baseline; true where there is none."""

    @property
    def place(self) -> str:
        """Return its file, or what it is called where there is none."""
        return self.path or self.example_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One limit, and what was found."""

    name: str
    """As the option is called: ``max-rate``."""
    limit: float
    found: float
    passed: bool
    sentence: str
    """What was found and what may be, in words."""


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """Whether a run passes, and why."""

    run: str
    """The run folder."""
    data: str
    """What the data is called."""
    source: str
    """Where the data lay, for suspects without a file of their own; empty where it was in no file."""
    issues: str
    """The issues.csv of the run, from the root that paths start from."""
    checks: tuple[Check, ...]
    n_scored: int
    n_flagged: int
    """All that the run flags, also those that do not count."""
    min_error_probability: float
    suspects: tuple[GateSuspect, ...]
    """Those that count: the new ones first, then most doubtful first."""
    baseline: str
    """The file; empty where there is none."""
    accepts_into: str
    """The file that suspects can be accepted into: the baseline, unless it is one that is never written."""
    gone: tuple[Reviewed, ...]
    """Rows of the baseline about examples that are not in the run."""
    relabelled: tuple[Reviewed, ...]
    """Those about examples that have another label now, which is what became of a review."""
    warnings: tuple[str, ...]
    """Those of the run."""

    @property
    def passed(self) -> bool:
        """Return whether every limit is kept."""
        return all(check.passed for check in self.checks)

    @property
    def n_new(self) -> int:
        """Return how many suspects are not in the baseline."""
        return sum(suspect.is_new for suspect in self.suspects)

    @property
    def to_look_at(self) -> tuple[GateSuspect, ...]:
        """Return the new suspects where there are any, else all: what was reviewed would hide them in a list."""
        return self.suspects[: self.n_new] if self.baseline and self.n_new else self.suspects

    def to_json(self) -> dict[str, object]:
        """Return all that the gate found, every suspect that counts included; numbers have 6 significant digits."""
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
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "suspects": [dataclasses.asdict(suspect) for suspect in self.suspects],
            "stale": [{"example_id": one, "given_label": label} for one, label in sorted(self.gone + self.relabelled)],
            "warnings": self.warnings,
        }
        return {key: rounded(value) for key, value in content.items()}
