"""The verdict on a run: whether its suspects stay within limits, which of them are new, and why it fails.

Nothing is trained, read or written here, so that a verdict is the same wherever it is given. Limits count all
suspects, but for that on new ones, which counts those that are not in the baseline.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from labelscan.baseline import Baseline, Reviewed
from labelscan.config import GateConfig
from labelscan.errors import GateError
from labelscan.finished_run import FinishedRun
from labelscan.issues import SCORED
from labelscan.run_folder import DIRECTORY

RATES = ("max-rate", "max-class-rate")
"""Of the limits, those that are shares in [0, 1]; the others are counts."""
MOST_CLASSES = 3
"""Of the classes that exceed a limit, so many are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSuspect:
    """One suspect that counts."""

    example_id: str
    path: str
    """As the run knew it, relative to where it was started if it lies within; empty where there is no file."""
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

    @property
    def shown_limit(self) -> str:
        """Return the limit as people read it."""
        return _shown(self.name, self.limit)

    @property
    def shown_found(self) -> str:
        """Return what was found as people read it."""
        return _shown(self.name, self.found)


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """Whether a run passes, and why."""

    run: str
    """The run folder."""
    data: str
    """What the data is called."""
    source: str
    """Where the data lay, for suspects without a file of their own; empty where it was in memory."""
    checks: tuple[Check, ...]
    n_scored: int
    n_flagged: int
    """All that the run flags, also those that do not count."""
    min_error_probability: float
    suspects: tuple[GateSuspect, ...]
    """Those that count: the new ones first, then most doubtful first."""
    baseline: str
    """The file; empty where there is none."""
    stale: tuple[Reviewed, ...]
    """Rows of the baseline about examples that are gone or have another label now."""
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
    def word(self) -> str:
        """Return ``PASSED`` or ``FAILED``."""
        return "PASSED" if self.passed else "FAILED"

    @property
    def sentence(self) -> str:
        """Return what was found in the data."""
        n_suspects = len(self.suspects)
        verb = "label is a suspect" if n_suspects == 1 else "labels are suspects"
        share = f"{n_suspects:,} of {self.n_scored:,} {verb} ({_shown('max-rate', n_suspects / self.n_scored)})"
        return f"{self.data}: {share}" + (f", {self.n_new:,} of them new" if self.baseline else "")


def effective_limits(limits: GateConfig) -> GateConfig:
    """Return the limits that hold: with a baseline and nothing said of new suspects, none may be.

    Raises:
        GateError: there is nothing to judge by.
    """
    if limits.max_new is not None and not limits.baseline:
        raise GateError(
            "new suspects are counted against a baseline, and none is named",
            where="--max-new",
            hint="name its file by --baseline",
        )
    if limits.baseline and limits.max_new is None:
        limits = dataclasses.replace(limits, max_new=0)
    if (limits.max_rate, limits.max_issues, limits.max_class_rate, limits.max_new) == (None,) * 4:
        raise GateError(
            "there is no limit to judge by", hint="give one, as in --max-rate 0.02 or --max-issues 10, or a --baseline"
        )
    return limits


def judge_gate(run: FinishedRun, limits: GateConfig, baseline: Baseline | None = None) -> GateVerdict:
    """Return the verdict on a finished run.

    Args:
        run: of ``detect`` or ``score``.
        limits: from ``effective_limits``.
        baseline: what was reviewed; None where there is none.

    Raises:
        GateError: the run says nothing of the labels.
    """
    check_meaningful(run)
    suspects = _suspects(run, limits.min_error_probability, baseline)
    return GateVerdict(
        run=str(run.folder),
        data=str(run.summary["data"]),
        source=_source(run),
        checks=tuple(_checks(run, limits, suspects)),
        n_scored=_n_scored(run).total(),
        n_flagged=int(run.issues.scores["flagged"].sum()),
        min_error_probability=limits.min_error_probability,
        suspects=suspects,
        baseline="" if baseline is None else str(baseline.path),
        stale=() if baseline is None else baseline.stale(given_labels(run)),
        warnings=_texts(run.summary.get("warnings")),
    )


def check_meaningful(run: FinishedRun) -> None:
    """Raise GateError where the flags of a run mean nothing, so that nothing may pass or fail by them."""
    if not _n_scored(run):
        raise GateError("no example has a score", where=str(run.folder), hint="scores.csv says why, in its last column")
    if run.summary.get("learned_nothing"):
        raise GateError(
            "the models learned nothing, so that the flags mean nothing",
            where=str(run.folder),
            hint="train longer, choose another model, or check that the labels belong to the examples",
        )


def given_labels(run: FinishedRun) -> dict[str, str]:
    """Return the label of every example of a run by its id."""
    scores = run.issues.scores
    return dict(zip(scores["example_id"], scores["given_label"], strict=True))


def flagged(run: FinishedRun) -> frozenset[Reviewed]:
    """Return all that a run flags, for a baseline."""
    issues = run.issues.flagged
    return frozenset(zip(issues["example_id"], issues["given_label"], strict=True))


def _suspects(run: FinishedRun, least: float, baseline: Baseline | None) -> tuple[GateSuspect, ...]:
    reviewed = frozenset[Reviewed]() if baseline is None else baseline.reviewed
    started_in = str(run.record.get(DIRECTORY) or "")
    found = [
        GateSuspect(
            example_id=str(one["example_id"]),
            path=_relative(str(one["path"]), started_in),
            given_label=str(one["given_label"]),
            suggested_label=str(one["suggested_label"]),
            error_probability=float(one["error_probability"]),
            is_new=(one["example_id"], one["given_label"]) not in reviewed,
        )
        for one in run.issues.flagged.to_dict("records")
        if one["error_probability"] >= least
    ]
    return tuple(sorted(found, key=lambda one: not one.is_new))  # which leaves the ranks among each kind as they are


def _checks(run: FinishedRun, limits: GateConfig, suspects: tuple[GateSuspect, ...]) -> Iterator[Check]:
    scored = _n_scored(run)
    if limits.max_rate is not None:
        yield _check("max-rate", limits.max_rate, len(suspects) / scored.total(), "of the scored labels are suspects")
    if limits.max_issues is not None:
        yield _check("max-issues", limits.max_issues, len(suspects), "suspects")
    if limits.max_class_rate is not None:
        yield _class_check(limits.max_class_rate, scored, suspects)
    if limits.max_new is not None:
        yield _check("max-new", limits.max_new, sum(one.is_new for one in suspects), "suspects not in the baseline")


def _class_check(limit: float, scored: Counter[str], suspects: tuple[GateSuspect, ...]) -> Check:
    counts = Counter(one.given_label for one in suspects)
    rates = sorted(((count / scored[name], name) for name, count in counts.items()), key=lambda one: (-one[0], one[1]))
    exceeding = [repr(name) for rate, name in rates if rate > limit]
    named = ", ".join(exceeding[:MOST_CLASSES])
    more = f" and {len(exceeding) - MOST_CLASSES:,} more" if len(exceeding) > MOST_CLASSES else ""
    worst, name = rates[0] if rates else (0.0, "")
    of = f"of the labels {name!r} are suspects" if name else "of the labels of any class are suspects"
    check = _check("max-class-rate", limit, worst, of)
    if len(exceeding) < 2:
        return check
    return dataclasses.replace(check, sentence=f"{check.sentence}; exceeded by {named}{more}")


def _check(name: str, limit: float, found: float, what: str) -> Check:
    passed = found <= limit
    return Check(
        name=name,
        limit=limit,
        found=found,
        passed=passed,
        sentence=f"{_shown(name, found)} {what}, {_shown(name, limit)} may be",
    )


def _shown(name: str, number: float) -> str:
    """Return a number of a limit; of a share as many digits as tell 0.001 from 0."""
    return f"{float(f'{100 * number:.3g}'):g} %" if name in RATES else f"{number:,.0f}"


def _n_scored(run: FinishedRun) -> Counter[str]:
    """Return how many examples of each class have a score; classes without one are missing."""
    scores = run.issues.scores
    return Counter(scores.loc[scores["status"] == SCORED, "given_label"])


def _relative(path: str, started_in: str) -> str:
    """Return a path relative to where the run was started, with / between folders, where it lies within."""
    if not path:
        return ""
    if started_in and PurePath(path).is_absolute() and PurePath(path).is_relative_to(started_in):
        return PurePath(path).relative_to(started_in).as_posix()
    return PurePath(path).as_posix()


def _source(run: FinishedRun) -> str:
    settings = run.record.get("settings")
    dataset: Any = settings.get("dataset") if isinstance(settings, dict) else None
    data = str(dataset.get("data") or "") if isinstance(dataset, dict) else ""
    # demo:digits and torchvision:NAME are no files.
    is_file = bool(data) and run.locate(data).exists()
    return _relative(str(Path(data).expanduser()), str(run.record.get(DIRECTORY) or "")) if is_file else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
