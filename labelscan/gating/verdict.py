"""The verdict of a gate: whether the suspects of a run stay within limits, which of them are new, and why it fails.

The JSON form is read by scripts: ``format_version`` goes up when a key changes its meaning or goes away.

History of the format:
    1: the first.
"""

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path

from labelscan.gating.baseline import Reviewed
from labelscan.results.issues import ISSUES_FILE
from labelscan.wording import rounded

FORMAT_VERSION = 1
NEW_BASELINE = "labels-baseline.csv"
"""What a baseline is called where there is none yet."""
FEWEST_DIGITS, MOST_DIGITS = 3, 17
RATES = ("max-rate", "max-class-rate")
"""Of the limits, those that are shares in [0, 1]; the others are counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSuspect:
    """One suspect that counts."""

    example_id: str
    path: str
    """Relative to the root of the repository that the run was started in, or to where it was started, if it lies
    within; empty where there is no file."""
    line: int
    """Of issues.csv, as an editor numbers it."""
    given_label: str
    suggested_label: str
    error_probability: float
    is_new: bool
    """Whether it is missing in the baseline; true where there is none."""

    @property
    def place(self) -> str:
        """Return its file, or what it is called where there is none."""
        return self.path or self.example_id

    @property
    def sentence(self) -> str:
        """Return what is doubtful, for a list that names the place itself."""
        return (
            f"labelled {self.given_label}, looks like {self.suggested_label} "
            f"(error probability {self.error_probability:.3f})"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One limit, and what was found."""

    name: str
    """As the option is called: ``max-rate``."""
    limit: float
    found: float
    passed: bool
    sentence: str

    @property
    def shown_limit(self) -> str:
        """Return the limit as people read it."""
        return told_apart(self.name, self.found, self.limit)[1]

    @property
    def shown_found(self) -> str:
        """Return what was found as people read it."""
        return told_apart(self.name, self.found, self.limit)[0]


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
    """The issues.csv of the run, told from where paths are told from."""
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

    def unlisted(self, n_listed: int) -> str:
        """Return how many suspects are missing in a list of the first ones to look at; empty where none is.

        Where the gate passes, a list that is not wanted misses nothing.
        """
        if self.passed and not n_listed:
            return ""
        n_more, n_reviewed = len(self.to_look_at) - n_listed, len(self.suspects) - len(self.to_look_at)
        parts = [f"{n_more:,} more"] if n_more > 0 else []
        parts += [f"{n_reviewed:,} reviewed before"] if n_reviewed else []
        return f"and {' and '.join(parts)}" if parts else ""

    @property
    def word(self) -> str:
        """Return ``PASSED`` or ``FAILED``."""
        return "PASSED" if self.passed else "FAILED"

    @property
    def sentence(self) -> str:
        """Return what was found in the data."""
        n_suspects = len(self.suspects)
        verb = "is a suspect" if n_suspects == 1 else "are suspects"
        share = f"{n_suspects:,} of {self.n_scored:,} labels {verb} ({shown('max-rate', n_suspects / self.n_scored)})"
        return f"{self.data}: {share}" + (f", {self.n_new:,} of them new" if self.baseline else "")

    @property
    def reason(self) -> str:
        """Return how many limits are exceeded."""
        exceeded = sum(not check.passed for check in self.checks)
        if not exceeded:
            return "every limit is kept" if len(self.checks) > 1 else "the limit is kept"
        if len(self.checks) == 1:
            return "the limit is exceeded"
        return f"{exceeded} of {len(self.checks)} limits {'is' if exceeded == 1 else 'are'} exceeded"

    def next_steps(self, n_listed: int) -> tuple[tuple[str, str], ...]:
        """Return what to do with the suspects, each a word and a command; nothing where there are none.

        Where the gate passes and none is listed, there is no need to do anything but for those who want to look.
        """
        if not self.suspects:
            return ()
        run, baseline = shlex.quote(self.run), shlex.quote(self.accepts_into)
        review = ("review", f"labelscan report {run}")
        if self.passed and not n_listed:
            return (review,)
        accept = ("accept", f"labelscan gate {run} --baseline {baseline} --update-baseline")
        return (("issues", str(Path(self.run) / ISSUES_FILE)), review, accept)

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


def shown(name: str, number: float, digits: int = FEWEST_DIGITS) -> str:
    """Return a number of a limit; of a share in per cent with so many significant digits, but no zeros at the end."""
    return f"{100 * number:.{digits}g} %" if name in RATES else f"{number:,.0f}"


def told_apart(name: str, found: float, limit: float) -> tuple[str, str]:
    """Return what was found and the limit, with as many digits as it takes to see which is greater."""
    enough = (
        digits
        for digits in range(FEWEST_DIGITS, MOST_DIGITS)
        if shown(name, found, digits) != shown(name, limit, digits)
    )
    digits = next(enough, FEWEST_DIGITS)  # where they are the same, the fewest
    return shown(name, found, digits), shown(name, limit, digits)
